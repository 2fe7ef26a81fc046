#pragma once

namespace lab {

/// What everybody else takes of the cores that this process may use: other processes and the hypervisor.
class BackgroundCpu {
 public:
  BackgroundCpu();
  /// 0 to 1, since construction: what the cores were busy (proc(5), /proc/stat) less what this process and
  /// its children that have ended used (getrusage(2)). 0 where /proc/stat cannot be read.
  double share() const;

 private:
  struct Sample {
    double total = 0, busy = 0;  ///< seconds of all cores
    double own = 0;              ///< seconds
  };
  static Sample sample();
  Sample begin_;
};

}  // namespace lab
