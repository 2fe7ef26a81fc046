#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "harness/diagnosis/observation.hpp"
#include "harness/inside/kernel_samples.hpp"

namespace lab {

/// A salvo of an examination in which slow requests were under way together.
struct BurstSpan {
  Nanos began = 0, ended = 0;
  int at_once = 0;   ///< slow requests
  int answered = 0;  ///< of those
  auto operator<=>(const BurstSpan&) const = default;
};

/// The span, where at least two slow requests were sent nearly at once; otherwise at_once is 0.
BurstSpan burst_span(const std::vector<Probe>& probes, const std::vector<Reply>& replies, Nanos began,
                     Nanos ended);

/// Passes an examination's salvos on to its target, notes when they were, and has a thread look at the
/// server's threads meanwhile. What that costs is kept below a fiftieth of one core.
class BurstWatch final : public Target {
 public:
  /// No roots: it only notes the times.
  BurstWatch(Target& target, std::vector<pid_t> roots);
  BurstWatch(const BurstWatch&) = delete;
  BurstWatch& operator=(const BurstWatch&) = delete;
  ~BurstWatch() override { stop(); }

  std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience) override;
  void hang_up() override { target_.hang_up(); }
  Nanos now() override { return target_.now(); }
  bool interrupted() const override { return target_.interrupted(); }
  std::optional<CpuTime> cpu_time() override { return target_.cpu_time(); }

  /// The end of it all; then the samples may be read.
  void stop();
  const KernelSamples& samples() const { return sampler_.samples(); }
  const std::vector<BurstSpan>& bursts() const { return bursts_; }

 private:
  void watch();

  Target& target_;
  KernelSampler sampler_;
  std::vector<BurstSpan> bursts_;
  std::atomic<bool> under_way_{false}, over_{false};
  std::thread thread_;
};

}  // namespace lab
