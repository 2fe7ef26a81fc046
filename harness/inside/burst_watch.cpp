#include "harness/inside/burst_watch.hpp"

#include <algorithm>
#include <utility>

#include "lab/core/clock.hpp"

namespace lab {

BurstSpan burst_span(const std::vector<Probe>& probes, const std::vector<Reply>& replies, Nanos began,
                     Nanos ended) {
  BurstSpan span{began, ended, 0, 0};
  Nanos last = 0;
  for (std::size_t i = 0; i < probes.size() && i < replies.size(); ++i) {
    if (probes[i].ping) continue;
    ++span.at_once;
    span.answered += replies[i].is_ok();
    last = std::max(last, probes[i].at);
  }
  if (span.at_once < 2 || last > (ended - began) / 4) span.at_once = 0;
  return span;
}

BurstWatch::BurstWatch(Target& target, std::vector<pid_t> roots)
    : target_(target), sampler_(std::move(roots)) {
  constexpr int kAtRest = 8;  // what a thread waits in that has nothing to do
  sampler_.look(monotonic_now());
  if (sampler_.samples().threads.empty()) return;
  for (int i = 1; i < kAtRest; ++i) {
    sleep_until(monotonic_now() + 3 * kMillisecond);
    sampler_.look(monotonic_now());
  }
  sampler_.count(false);
  thread_ = std::thread([this] { watch(); });
}

std::vector<Reply> BurstWatch::send_probes(const std::vector<Probe>& probes, Nanos patience) {
  const Nanos began = monotonic_now();
  under_way_ = true;
  std::vector<Reply> replies = target_.send_probes(probes, patience);
  under_way_ = false;
  const BurstSpan span = burst_span(probes, replies, began, monotonic_now());
  if (span.at_once > 0) bursts_.push_back(span);
  return replies;
}

void BurstWatch::watch() {
  constexpr Nanos kLeast = 4 * kMillisecond, kMost = 100 * kMillisecond;  // between two looks
  constexpr Nanos kShare = 50;                                            // of a core
  while (!over_) {
    const Nanos before = thread_cpu_now();
    if (under_way_) sampler_.look(monotonic_now());
    const Nanos took = thread_cpu_now() - before;
    sleep_until(monotonic_now() + std::clamp((kShare - 1) * took, kLeast, kMost));
  }
}

void BurstWatch::stop() {
  over_ = true;
  if (!thread_.joinable()) return;
  thread_.join();
  sampler_.count(true);
}

}  // namespace lab
