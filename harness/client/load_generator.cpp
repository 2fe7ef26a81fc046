#include "harness/client/load_generator.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <latch>
#include <type_traits>

#include "harness/client/connection_plan.hpp"
#include "harness/client/epoll_transport.hpp"
#include "harness/client/tls_transport.hpp"
#include "lab/core/duration.hpp"

namespace lab {

namespace {

constexpr std::uint64_t kSpareDescriptors = 64;
constexpr Nanos kOpenPatience = 5 * kSecond;
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

/// One thread's part: a transport of its own and the engine on it.
struct Worker {
  std::unique_ptr<EpollTransport> sockets;
  std::unique_ptr<TlsTransport> tls;
  std::unique_ptr<LoadEngine> engine;
  MonotonicClock clock;
};

EnginePlan part_of(const GeneratorPlan& plan, int thread) {
  EnginePlan part = plan.engine;
  part.share.of = plan.engine.share.of * plan.threads;
  part.share.index = plan.engine.share.index * plan.threads + thread;
  part.clients = static_cast<std::uint32_t>(part.share.part_of(plan.engine.clients));
  part.most = std::max<std::uint32_t>(
      {1, part.clients, static_cast<std::uint32_t>(part.share.part_of(plan.engine.most))});
  return part;
}

Result<std::unique_ptr<Worker>> make_worker(const GeneratorPlan& plan, const TlsContext* context, int thread,
                                            SampleArena& arena) {
  auto worker = std::make_unique<Worker>();
  auto sockets = EpollTransport::create(plan.addresses, plan.interrupt_fd);
  if (!sockets) return sockets.error();
  worker->sockets = std::move(*sockets);
  Transport* transport = worker->sockets.get();
  if (context != nullptr) {
    worker->tls = std::make_unique<TlsTransport>(*worker->sockets, *context);
    transport = worker->tls.get();
  }
  worker->engine = std::make_unique<LoadEngine>(part_of(plan, thread), arena, worker->clock, *transport);
  return worker;
}

std::string port_range() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 32768;
  int last = 60999;
  file >> first >> last;
  return fmt::format("{} to {}", first, last);
}

Error open_failed(const GeneratorPlan& plan, int error, const std::string& tls_problem) {
  std::string where = plan.origins.front();
  for (std::size_t i = 1; i < plan.origins.size(); ++i) where += " or " + plan.origins[i];
  switch (error_of_open(error)) {
    case LoadError::refused:
      return environment_error("nothing listens at {} (connect: {}); start the server first", where,
                               std::strerror(error));
    case LoadError::certificate:
      return environment_error(
          "{}: its certificate is not trusted ({}); give --cacert FILE, or --insecure to go without", where,
          tls_problem);
    case LoadError::tls: return environment_error("{}: no TLS connection ({})", where, tls_problem);
    case LoadError::no_descriptors:
      return environment_error(
          "no descriptors are left for the connections to {} (connect: {}); ask for fewer", where,
          std::strerror(error));
    case LoadError::no_ports:
      return environment_error(
          "no local port is left for the connections to {}: the system gives {} to one address; ask for "
          "fewer",
          where, port_range());
    default: return system_error("connect", where, error);
  }
}

/// Tells all threads when to begin; ends every one that waits, whatever happens to the one that was to tell.
class Start {
 public:
  Start() = default;
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
  ~Start() { give(kNever); }
  void give(Nanos time) {
    if (!given_) promise_.set_value(time);
    given_ = true;
  }
  /// kNever: there is no load. Its holders may outlive this.
  std::shared_future<Nanos> time() { return time_; }

 private:
  std::promise<Nanos> promise_;
  std::shared_future<Nanos> time_{promise_.get_future()};
  bool given_ = false;
};

LoadProgress look_at(const std::vector<std::unique_ptr<Worker>>& workers, Nanos began) {
  LoadProgress sum;
  sum.since_start = monotonic_now() - began;
  for (const auto& worker : workers) {
    const EngineProgress& progress = worker->engine->progress();
    sum.ended += progress.ended.load(std::memory_order_relaxed);
    sum.ok += progress.ok.load(std::memory_order_relaxed);
    sum.under_way += progress.under_way.load(std::memory_order_relaxed);
  }
  return sum;
}

LoadTotals collect(const std::vector<std::unique_ptr<Worker>>& workers, const GeneratorPlan& plan) {
  const std::size_t most_exact = plan.most_exact;
  LoadTotals totals;
  totals.samples = {Distribution(most_exact), Distribution(most_exact), Distribution(most_exact)};
  totals.error_replies = totals.samples;
  for (const auto& worker : workers) {
    totals.counts.add(worker->engine->counts());
    worker->engine->samples().pour_into(totals.samples);
    worker->engine->error_replies().pour_into(totals.error_replies);
    if (plan.keep_samples) {
      worker->engine->samples().append_to(totals.kept);
      worker->engine->error_replies().append_to(totals.kept);
    }
    totals.interrupted |= worker->engine->interrupted();
    if (totals.first_problem.empty()) totals.first_problem = worker->engine->first_problem();
  }
  return totals;
}

class Writer {
 public:
  template <class Value>
  void put(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::string_view text) {
    put(text.size());
    bytes_ += text;
  }
  void put(const Distribution& values) {
    put(values.exact().size());
    bytes_.append(reinterpret_cast<const char*>(values.exact().data()), values.exact().size_bytes());
    std::string counts;
    if (values.histogram()) {
      values.histogram()->for_each([&](Nanos value, std::uint64_t count) {
        const std::pair<Nanos, std::uint64_t> part{value, count};
        counts.append(reinterpret_cast<const char*>(&part.first), sizeof part.first);
        counts.append(reinterpret_cast<const char*>(&part.second), sizeof part.second);
      });
    }
    put(std::string_view(counts));
    put(values.min());
    put(values.max());
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class Value>
  Value get() {
    Value value{};
    assert(rest_.size() >= sizeof value);
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view text() {
    const auto size = get<std::size_t>();
    assert(rest_.size() >= size);
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  void add_to(Distribution& values) {
    std::vector<Nanos> exact(get<std::size_t>());
    if (!exact.empty()) std::memcpy(exact.data(), rest_.data(), exact.size() * sizeof(Nanos));
    rest_.remove_prefix(exact.size() * sizeof(Nanos));
    values.add(exact);
    Reader counts(text());
    const auto smallest = get<Nanos>();
    const auto largest = get<Nanos>();
    if (counts.rest_.empty()) return;
    Histogram histogram;
    while (!counts.rest_.empty()) {
      const auto value = counts.get<Nanos>();
      histogram.add(std::clamp(value, smallest, largest), counts.get<std::uint64_t>());
    }
    values.add(histogram);
  }

 private:
  std::string_view rest_;
};

}  // namespace

Result<void> fit_descriptors(GeneratorPlan& plan) {
  const std::uint64_t endpoints = plan.engine.endpoints;
  const auto parts = static_cast<std::uint64_t>(plan.threads);
  const auto mine = [&](std::uint32_t total) {
    const std::uint64_t each = (total + plan.engine.share.of - 1) / plan.engine.share.of;
    return (each + parts - 1) / parts * parts;  // every thread rounds up
  };
  const DescriptorNeed need{mine(plan.engine.clients) * endpoints + kSpareDescriptors,
                            mine(plan.engine.most) * endpoints + kSpareDescriptors};
  const auto chosen = raise_descriptor_limit(need);
  if (!chosen) return chosen.error();
  if (*chosen < need.wished) {
    const std::uint64_t fits = (*chosen - kSpareDescriptors) / endpoints / parts * parts;
    plan.engine.most = static_cast<std::uint32_t>(std::max<std::uint64_t>(
        fits * static_cast<std::uint64_t>(plan.engine.share.of), plan.engine.clients));
  }
  return {};
}

Result<LoadTotals> generate(const GeneratorPlan& plan, const AgreeOnStart& agree,
                            const OnProgress& on_progress) {
  std::unique_ptr<TlsContext> context;
  if (std::find(plan.tls.begin(), plan.tls.end(), true) != plan.tls.end()) {
    auto made = TlsContext::create(plan.tls, plan.origins, plan.ca_file, plan.verify);
    if (!made) return made.error();
    context = std::move(*made);
  }
  SampleArena arena(plan.most_exact);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int thread = 0; thread < plan.threads; ++thread) {
    auto worker = make_worker(plan, context.get(), thread, arena);
    if (!worker) return worker.error();
    workers.push_back(std::move(*worker));
  }
  std::latch ready(plan.threads);
  std::vector<int> open_errors(workers.size(), 0);
  std::vector<std::future<void>> threads;
  Start start;  // destroyed, and so given, before the threads are waited for
  for (std::size_t thread = 0; thread < workers.size(); ++thread) {
    threads.push_back(std::async(std::launch::async, [&, thread, time = start.time()] {
      const PunctualTimers punctual;
      LoadEngine& engine = *workers[thread]->engine;
      open_errors[thread] = engine.open_connections(monotonic_now() + kOpenPatience);
      ready.count_down();
      if (const Nanos began = time.get(); began != kNever) engine.run(began);
    }));
  }
  ready.wait();
  const auto failed =
      std::find_if(open_errors.begin(), open_errors.end(), [](int error) { return error != 0; });
  std::int64_t opened = 0;
  for (const auto& worker : workers) opened += worker->engine->counts().connections;
  std::vector<std::string> warnings;
  if (failed != open_errors.end()) {
    const auto kind = error_of_open(*failed);
    if (opened == 0 || kind == LoadError::no_descriptors || kind == LoadError::no_ports)
      return open_failed(plan, *failed, context ? context->problem() : "");
    warnings.push_back(
        fmt::format("some connections could not be opened before the load: {}", std::strerror(*failed)));
  }
  const Nanos began = agree();
  start.give(began);
  for (std::future<void>& thread : threads) {
    while (thread.wait_for(kProgressEvery) != std::future_status::ready) on_progress(look_at(workers, began));
    thread.get();
  }
  LoadTotals totals = collect(workers, plan);
  totals.warnings = std::move(warnings);
  return totals;
}

std::string to_bytes(const LoadTotals& totals) {
  Writer writer;
  writer.put(totals.counts);
  writer.put(totals.interrupted);
  writer.put(std::string_view(totals.first_problem));
  for (const LoadDistributions* part : {&totals.samples, &totals.error_replies}) {
    for (const Distribution* values : {&part->latency, &part->uncorrected, &part->lag}) writer.put(*values);
  }
  writer.put(std::string_view(reinterpret_cast<const char*>(totals.kept.data()),
                              totals.kept.size() * sizeof(LoadSample)));
  writer.put(totals.warnings.size());
  for (const std::string& warning : totals.warnings) writer.put(std::string_view(warning));
  return writer.take();
}

void add_bytes(std::string_view bytes, LoadTotals& totals) {
  Reader reader(bytes);
  totals.counts.add(reader.get<LoadCounts>());
  totals.interrupted |= reader.get<bool>();
  const std::string_view problem = reader.text();
  if (totals.first_problem.empty()) totals.first_problem = problem;
  for (LoadDistributions* part : {&totals.samples, &totals.error_replies}) {
    for (Distribution* values : {&part->latency, &part->uncorrected, &part->lag}) reader.add_to(*values);
  }
  const std::string_view kept = reader.text();
  const std::size_t before = totals.kept.size();
  totals.kept.resize(before + kept.size() / sizeof(LoadSample));
  if (!kept.empty()) std::memcpy(&totals.kept[before], kept.data(), kept.size());
  for (auto left = reader.get<std::size_t>(); left > 0; --left) totals.warnings.emplace_back(reader.text());
}

}  // namespace lab
