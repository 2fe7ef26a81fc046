// For the tests of this folder: a server in virtual time. The model of harness/model says what its workers
// do; noise is added as a busy machine adds it.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "harness/diagnosis/observation.hpp"
#include "harness/model/testing/model_testing.hpp"

namespace lab::testing {

struct SimulatedServer {
  Traits mode = kBlockingLoop;
  int workers = 1;
  int threads = 40;
  bool gil = false;
  int backlog = 1 << 20;  ///< so many fresh connections at once are taken; the others a second late
  bool computes = false;
  Nanos service = ms(50);
  Nanos serial_part = 0;          ///< of it the loop computes so long, after the rest
  bool by_lot = false;            ///< connections are dealt by lot instead of in turn
  Nanos jitter = 0;               ///< mean of what each reply is late
  Nanos core_late = 0;            ///< so long each request waits for a core that others have
  double stalls = 0;              ///< share of salvos in which the machine stands still for up to 30 ms
  Traits ping_mode = kAsyncLoop;  ///< of the cheap route, where the slow one is not on the loop
};

class SimulatedTarget final : public Target {
 public:
  SimulatedTarget(const SimulatedServer& server, std::uint64_t seed) : server_(server), random_(seed) {}

  std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience) override {
    std::vector<Reply> replies(probes.size());
    for (int worker = 0; worker < server_.workers; ++worker) {
      std::vector<std::size_t> slow, cheap;
      for (std::size_t i = 0; i < probes.size(); ++i) {
        if (worker_of(probes[i].connection) == worker) (probes[i].ping ? cheap : slow).push_back(i);
      }
      serve(probes, slow, cheap, replies);
    }
    make_noise(replies);
    for (int worker = 0; worker < server_.workers; ++worker) count_runnable(worker, probes, replies);
    Nanos end = 0;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      Reply& reply = replies[i];
      reply.sent = probes[i].at;
      reply.late = probes[i].opened_before && static_cast<int>(i) >= server_.backlog;
      if (reply.late) reply.received += kSecond;
      reply.outcome = reply.received <= patience ? Outcome::ok : Outcome::timeout;
      reply.received = std::min(reply.received, patience);
      reply.kept = probes[i].keep && reply.outcome == Outcome::ok;
      if (!reply.kept) workers_.erase(probes[i].connection);
      end = std::max(end, reply.received);
    }
    requests += static_cast<std::int64_t>(probes.size());
    now_ += end;
    return replies;
  }
  void hang_up() override { workers_.clear(); }
  Nanos now() override { return now_; }
  bool interrupted() const override { return false; }
  std::optional<CpuTime> cpu_time() override {
    const Nanos used = server_.computes ? runnable_ : requests * 200 * kMicrosecond;
    return CpuTime{used + requests * server_.core_late, used, busiest_};
  }

  std::int64_t requests = 0;

 private:
  int worker_of(std::uint32_t connection) {
    const auto [at, fresh] = workers_.try_emplace(connection, 0);
    if (fresh) {
      std::uniform_int_distribution<int> lot(0, server_.workers - 1);
      at->second = server_.by_lot ? lot(random_) : next_++ % server_.workers;
    }
    return at->second;
  }

  /// One worker's probes, by the model.
  void serve(const std::vector<Probe>& probes, const std::vector<std::size_t>& slow,
             const std::vector<std::size_t>& cheap, std::vector<Reply>& replies) {
    if (slow.empty() && cheap.empty()) return;
    const auto times = [&](const std::vector<std::size_t>& which) {
      std::vector<Nanos> at;
      for (const std::size_t i : which) at.push_back(probes[i].at);
      return at;
    };
    std::uniform_real_distribution<double> drift(0.99, 1.01);
    const auto span = static_cast<Nanos>(static_cast<double>(server_.service) * drift(random_));
    std::vector<Load> loads;
    if (!slow.empty()) loads.push_back(staggered(times(slow), 0));
    if (!cheap.empty()) loads.push_back(staggered(times(cheap), 1));
    Plan slow_plan{server_.computes ? cpu(span) : wait(span - server_.serial_part)};
    if (server_.serial_part > 0) slow_plan.push_back(cpu(server_.serial_part));
    Experiment experiment({{server_.mode, slow_plan}, {server_.ping_mode, {}}}, loads);
    experiment.arm.threads = server_.threads;
    experiment.arm.gil = server_.gil;
    Keep keep;
    simulate(experiment.input(), &keep.records);
    std::ranges::sort(keep.records, [](const auto& a, const auto& b) {
      return std::tuple(a.route, a.intended, a.id) < std::tuple(b.route, b.intended, b.id);
    });
    std::size_t next = 0;
    for (const auto* which : {&slow, &cheap}) {
      for (const std::size_t i : *which) replies[i].received = keep.records[next++].received - kModelStart;
    }
  }

  /// Until a worker's last reply, all of its threads that have a request want a core; under a GIL one does.
  void count_runnable(int worker, const std::vector<Probe>& probes, const std::vector<Reply>& replies) {
    int slow = 0;
    Nanos end = 0;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (probes[i].ping || workers_[probes[i].connection] != worker) continue;
      ++slow;
      end = std::max(end, replies[i].received);
    }
    const bool threads = server_.mode.computing != Resource::loop && !server_.gil;
    const Nanos ran = end * (threads ? std::min(slow, server_.threads) : std::min(slow, 1));
    runnable_ += ran;
    // A loop is one thread; others share what they compute.
    if (worker == 0) busiest_ += server_.mode.computing == Resource::loop ? ran : ran / std::max(1, slow);
  }

  void make_noise(std::vector<Reply>& replies) {
    std::bernoulli_distribution stalled(server_.stalls);
    std::uniform_real_distribution<double> when(0, 1);
    Nanos last = 0;
    for (const Reply& reply : replies) last = std::max(last, reply.received);
    const bool stall = stalled(random_);
    const auto from = static_cast<Nanos>(when(random_) * static_cast<double>(last));
    const auto length = static_cast<Nanos>(when(random_) * 30e6);
    std::exponential_distribution<double> late(1.0);
    for (Reply& reply : replies) {
      reply.received +=
          kMicrosecond * 100 + static_cast<Nanos>(late(random_) * static_cast<double>(server_.jitter));
      if (stall && reply.received > from) reply.received += length;
    }
  }

  const SimulatedServer server_;
  std::mt19937_64 random_;
  std::map<std::uint32_t, int> workers_;
  int next_ = 0;
  Nanos runnable_ = 0;
  Nanos busiest_ = 0;
  Nanos now_ = kSecond;
};

}  // namespace lab::testing
