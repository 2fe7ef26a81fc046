#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lab {

/// What this machine is, for the record of a run.
struct Environment {
  int cores = 0;  ///< that this process may use
  std::string kernel;
  std::vector<std::pair<std::string, std::string>> details;  ///< `cpu`, `governor`, `load`, `timer_slack` …
};

Environment describe_environment();

/// How busy others kept the machine between two moments.
class NoiseMeter {
 public:
  NoiseMeter();
  /// `quiet`, or `noisy: 4 % stolen by the hypervisor`, since construction.
  std::string verdict() const;

 private:
  struct Sample {
    double total = 0, steal = 0, pressure_us = 0, wall_us = 0;
  };
  static Sample sample();
  Sample begin_;
};

/// `0.1.0 (abc1234)`.
std::string version();

}  // namespace lab
