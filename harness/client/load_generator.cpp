#include "harness/client/load_generator.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <future>
#include <latch>

#include "harness/client/epoll_transport.hpp"
#include "harness/client/tls_transport.hpp"
#include "lab/core/text.hpp"
#include "lab/core/wire.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(LoadCounts, (),
                      (planned, unsent, sent, ok, unfinished, errors, not_sent, unexpected, statuses,
                       bytes_sent, bytes_received, connections, connecting, closed_by_server, closed_before,
                       closed_in, closed_after, waited, warm_up, gave_up, first_sent, last_sent, last_end))
BOOST_DESCRIBE_STRUCT(LoadSample, (), (intended, latency, uncorrected, lag))
BOOST_DESCRIBE_STRUCT(LoadDistributions, (), (latency, uncorrected, lag))
BOOST_DESCRIBE_STRUCT(LoadTotals, (),
                      (counts, samples, error_replies, kept, interrupted, first_problem, warnings))

namespace {

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
  LAB_TRY(worker->sockets, EpollTransport::create(plan.addresses, plan.interrupt_fd));
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
  const std::string where = join(plan.origins, " or ");
  switch (error_of_open(error)) {
    case LoadError::certificate:
      return environment_error("{}: its certificate is not trusted ({}); give --cacert FILE, or --insecure",
                               where, tls_problem);
    case LoadError::tls: return environment_error("{}: no TLS connection ({})", where, tls_problem);
    case LoadError::no_descriptors:
      return environment_error("no descriptors are left for the connections to {} (connect: {}); use fewer",
                               where, std::strerror(error));
    case LoadError::no_ports:
      return environment_error(
          "no local port is left for the connections to {}: the system gives {} to one address; use "
          "fewer",
          where, port_range());
    default: return connect_error(where, error);
  }
}

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
  LoadTotals totals;
  totals.samples = {Distribution(plan.most_exact), Distribution(plan.most_exact),
                    Distribution(plan.most_exact)};
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
  LAB_TRY(const std::uint64_t chosen, raise_descriptor_limit(need));
  if (chosen < need.wished) {
    const std::uint64_t fits = (chosen - kSpareDescriptors) / endpoints / parts * parts;
    plan.engine.most = static_cast<std::uint32_t>(std::max<std::uint64_t>(
        fits * static_cast<std::uint64_t>(plan.engine.share.of), plan.engine.clients));
  }
  return {};
}

Result<LoadTotals> generate(const GeneratorPlan& plan, const AgreeOnStart& agree,
                            const OnProgress& on_progress) {
  std::unique_ptr<TlsContext> context;
  if (std::ranges::find(plan.tls, true) != plan.tls.end()) {
    LAB_TRY(context, TlsContext::create(plan.tls, plan.hosts, plan.ca_file, plan.verify));
  }
  SampleArena arena(plan.most_exact);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int thread = 0; thread < plan.threads; ++thread) {
    LAB_TRY(workers.emplace_back(), make_worker(plan, context.get(), thread, arena));
  }
  std::latch ready(plan.threads);
  std::vector<int> open_errors(workers.size(), 0);
  std::vector<std::future<void>> threads;
  // Gone before the threads are waited for: where it was never set, it ends them.
  std::promise<Nanos> start;
  const std::shared_future<Nanos> time = start.get_future();
  for (std::size_t thread = 0; thread < workers.size(); ++thread) {
    threads.push_back(std::async(std::launch::async, [&, thread, time] {
      const PunctualTimers punctual;
      LoadEngine& engine = *workers[thread]->engine;
      open_errors[thread] = engine.open_connections(monotonic_now() + kOpenPatience);
      ready.count_down();
      engine.run(time.get());
    }));
  }
  ready.wait();
  const auto failed = std::ranges::find_if(open_errors, [](int error) { return error != 0; });
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
  start.set_value(began);
  for (std::future<void>& thread : threads) {
    while (thread.wait_for(kProgressEvery) != std::future_status::ready) on_progress(look_at(workers, began));
    thread.get();
  }
  LoadTotals totals = collect(workers, plan);
  totals.warnings = std::move(warnings);
  return totals;
}

std::string to_bytes(const LoadTotals& totals) {
  return to_bytes<LoadTotals>(totals);
}

void add_bytes(std::string_view bytes, LoadTotals& totals) {
  const auto more = from_bytes<LoadTotals>(bytes);
  totals.counts.add(more.counts);
  totals.interrupted |= more.interrupted;
  if (totals.first_problem.empty()) totals.first_problem = more.first_problem;
  totals.samples.merge(more.samples);
  totals.error_replies.merge(more.error_replies);
  totals.kept.insert(totals.kept.end(), more.kept.begin(), more.kept.end());
  totals.warnings.insert(totals.warnings.end(), more.warnings.begin(), more.warnings.end());
}

}  // namespace lab
