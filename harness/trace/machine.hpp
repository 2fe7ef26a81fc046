#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lab {

/// What this machine is, for the record of a run.
struct Environment {
  int cores = 0;  ///< that this process may use
  std::string kernel;
  std::vector<std::pair<std::string, std::string>> details;  ///< `cpu`, `governor`, `timer_slack_ns` …
};

Environment describe_machine();

/// How busy the machine was between two moments.
class NoiseMeter {
 public:
  NoiseMeter();
  /// `quiet`, or `noisy: 4 % of the time stolen by the hypervisor`, since construction. Pressure is no noise:
  /// an experiment that computes presses on the cores itself. Without `alone` what other programs take is
  /// none either: the server that is measured may be one of them.
  std::string verdict(bool alone = true) const;
  /// Load average before and after, and what came in between: share stolen, share of the cores that others
  /// took, share of the time in which a task waited for a core, context switches of the whole machine.
  std::vector<std::pair<std::string, std::string>> details() const;

  /// What everybody else takes of the cores that this process may use, 0 to 1: what they were busy (proc(5),
  /// /proc/stat) less what this process and its children that have ended used (getrusage(2)). 0 where
  /// /proc/stat cannot be read.
  double others_share() const;

 private:
  struct Sample {
    double total = 0, steal = 0;  ///< ticks of all cores
    double usable = 0, busy = 0;  ///< ticks of those that this process may use
    double own_s = 0;             ///< CPU time of this process and its children
    double pressure_us = 0, wall_us = 0, context_switches = 0;
    std::string load;
  };
  static Sample sample();
  static double stolen(const Sample& begin, const Sample& end);
  static double others(const Sample& begin, const Sample& end);
  Sample begin_;
};

/// Bytes that this process may still take: of the machine's, of its control group's and of its address space,
/// whichever is least. None where nothing of it is known.
std::optional<double> available_memory();

/// `0,1`: the first cores that this process may use, as taskset(1) takes them.
std::string usable_cores(int most);

}  // namespace lab
