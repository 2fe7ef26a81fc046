#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/load_address.hpp"
#include "harness/diagnosis/observation.hpp"
#include "lab/core/clock.hpp"

namespace lab {

/// The processes of this machine that serve at an address: those that listen there, and all below them.
class LocalServer {
 public:
  /// By the listening socket's inode in /proc/PID/fd (proc(5)). None where the address is another machine's,
  /// and where no process that we may look into listens there, at that address or at all of them.
  static std::optional<LocalServer> find(const Address& address, std::uint16_t port);
  /// A process whose descriptors need not be readable, and all below it.
  static LocalServer of(pid_t pid);

  /// The lowest id among those that listen: the one that was started first, as a rule.
  pid_t pid() const { return listeners_.front(); }
  /// The name of its program without a version, as `python`, `node`, `java`; empty where it can't be read.
  const std::string& runtime() const { return runtime_; }
  /// All that listen, ascending.
  const std::vector<pid_t>& listeners() const { return listeners_; }
  int processes() const { return static_cast<int>(listeners_.size()); }
  /// How long all of their threads had a core, or waited for one, since they were found, as far as was seen
  /// at each call: on a busy machine a request that computes takes its CPU time and that. From
  /// /proc/PID/task/TID/schedstat, but at least user and system time, in the kernel's ticks of 10 ms: threads
  /// that ended between two calls are only in those.
  CpuTime cpu_time();

 private:
  explicit LocalServer(std::vector<pid_t> listeners);

  std::vector<pid_t> listeners_;   // ascending, never empty
  std::string runtime_;            // as it was at first: it may end
  Nanos runnable_ = 0, used_ = 0;  // at the last call
  std::map<pid_t, Nanos> ran_;     // each thread, at the last call
  CpuTime total_;
};

}  // namespace lab
