// For the tests of this folder: a server in virtual time that limits what it lets in.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "harness/diagnosis/observation.hpp"

namespace lab::testing {

/// Everything runs together for `service`, but that a limit refuses or delays; each tenth request or so may
/// hold up all others, and all of them wait for a pause of the server.
struct LimitedServer {
  Nanos service = 50 * kMillisecond;
  int in_flight = 0;    ///< 0: no such limit
  Nanos every = 0;      ///< one request each; 0: no such limit
  int bucket = 1;       ///< so many at once when it was idle
  bool delays = false;  ///< what comes too fast waits for its time instead of being refused
  int status = 503;
  Nanos pause_every = 0, pause = 0;
  int connections = 0;  ///< with more than that open all are refused; 0: no such limit
  int places = 0;       ///< so many at a time are `held` so long besides; 0: there is no such stage
  Nanos held = 0;
  int slow_every = 0;  ///< of so many one takes `slow` longer, and is in nobody's way; 0: none
  Nanos slow = 0;
  Nanos spread = 0;  ///< each takes up to so much longer, in its place where it has one
};

class LimitedTarget final : public Target {
 public:
  explicit LimitedTarget(const LimitedServer& server) : server_(server) {}

  std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos) override {
    std::vector<Reply> replies(probes.size());
    std::vector<std::size_t> order(probes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order,
                             [&](std::size_t a, std::size_t b) { return probes[a].at < probes[b].at; });
    Nanos end = 0;
    const auto open = std::ranges::count_if(probes, &Probe::opened_before);
    const bool too_many = server_.connections > 0 && open > server_.connections;
    for (const std::size_t i : order) {
      Reply& reply = replies[i];
      reply.sent = probes[i].at;
      const Nanos at = now_ + probes[i].at;
      const Nanos done = probes[i].ping ? after_pause(at + kMillisecond) : too_many ? 0 : serve(at);
      reply.outcome = done == 0 ? Outcome::bad_status : Outcome::ok;
      reply.status = done == 0 ? server_.status : 200;
      reply.received = (done == 0 ? at + kMillisecond : done) - now_;
      reply.kept = probes[i].keep && done != 0;
      end = std::max(end, reply.received);
    }
    now_ += end + kMillisecond;
    return replies;
  }
  void hang_up() override {}
  Nanos now() override { return now_; }
  bool interrupted() const override { return false; }
  std::optional<CpuTime> cpu_time() override { return CpuTime{}; }

 private:
  /// When it is served; 0: it is refused.
  Nanos serve(Nanos at) {
    if (server_.every > 0) {
      // The time at which the bucket is empty runs ahead of the clock (GCRA).
      const Nanos due = std::max(due_, at - (server_.bucket - 1) * server_.every);
      if (due > at && !server_.delays) return 0;
      due_ = due + server_.every;
      return after_pause(std::max(due, at) + server_.service);
    }
    const Nanos longer = std::uniform_int_distribution<Nanos>(0, server_.spread)(random_);
    if (server_.places > 0) return serve_in_stages(at, longer);
    if (server_.slow_every > 0 && ++asked_ % server_.slow_every == 0)
      return at + server_.service + server_.slow;
    std::erase_if(ends_, [&](Nanos end) { return end <= at; });
    if (server_.in_flight > 0 && static_cast<int>(ends_.size()) >= server_.in_flight) return 0;
    ends_.push_back(after_pause(at + server_.service + longer));
    return ends_.back();
  }

  Nanos serve_in_stages(Nanos at, Nanos longer) {
    ends_.resize(static_cast<std::size_t>(server_.places));
    const auto place = std::ranges::min_element(ends_);
    *place = std::max(*place, at + server_.service) + server_.held + longer;
    return *place;
  }

  Nanos after_pause(Nanos at) const {
    if (server_.pause_every == 0) return at;
    const Nanos begun = at / server_.pause_every * server_.pause_every;
    return std::max(at, begun + server_.pause);
  }

  const LimitedServer server_;
  std::vector<Nanos> ends_;
  Nanos due_ = 0;
  int asked_ = 0;
  std::mt19937_64 random_{1};
  Nanos now_ = 1005 * kSecond;
};

}  // namespace lab::testing
