#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/record.hpp"

namespace lab {

/// What one process uses at a moment. Bytes, counts, nanoseconds of CPU time.
struct ProcessUse {
  std::int64_t private_dirty = 0;
  std::int64_t resident = 0;
  std::int64_t virtual_size = 0;
  std::int64_t threads = 0;
  std::int64_t voluntary_switches = 0, involuntary_switches = 0;
  Nanos cpu = 0;
};

// The texts of proc(5). None, or false, where the text is not what the manual says.
std::optional<std::int64_t> private_dirty_in(std::string_view smaps_rollup);
bool read_status(std::string_view status, ProcessUse& use);
/// User and system time; its file counts `ticks` a second.
std::optional<Nanos> cpu_in(std::string_view stat, long ticks);
/// The slot in a worker's name: 3 of `lab-worker-3`.
std::optional<int> slot_in(std::string_view comm);
/// A TCP socket that listens.
struct ListeningSocket {
  std::string name;     ///< what a descriptor of it points to: `socket:[4711]`
  std::string address;  ///< that it is bound to, in the table's digits
  std::uint16_t port = 0;
  bool operator==(const ListeningSocket&) const = default;
};
/// Those in the text of /proc/PID/net/tcp or tcp6.
std::vector<ListeningSocket> listening_sockets(std::string_view net_tcp);
/// Those of all processes in the network of this one.
std::vector<ListeningSocket> sockets_around(pid_t pid);

/// The paths in a folder of /proc, as far as it may be looked at.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
/// What the open descriptors of a process point to, by their numbers.
std::map<std::string, std::string> descriptors_of(pid_t pid);

/// The workers of a master that are there just now, by their slots: a worker is reaped before its successor
/// starts.
std::map<int, pid_t> find_workers(pid_t master, const std::string& proc = "/proc");

/// All that descend from a process just now, nearest first.
std::vector<pid_t> descendants_of(pid_t pid, const std::string& proc = "/proc");

/// A process that has a socket which listens at the port asked for.
struct ListeningProcess {
  pid_t pid = 0;
  bool watches = false;  ///< it is in an epoll set: an event loop runs and will take connections
};

/// Which of these processes listen at a TCP port, read from their files in /proc (proc(5)). What may not be
/// read, or ends meanwhile, is left out. They share one network with the first of them.
std::vector<ListeningProcess> find_listeners(std::span<const pid_t> pids, std::uint16_t port);

/// The TCP ports at which these processes listen, as far as they may be looked at.
std::set<std::uint16_t> listening_ports(std::span<const pid_t> pids);

/// It is below `ancestor` just now, on any level.
bool descends_from(pid_t pid, pid_t ancestor);

/// Sends SIGKILL to a process if `is_meant` says so of its pid once the process is held (pidfd_open(2)): its
/// parent may reap it at any moment, and whoever gets its number then is spared. False: nothing was killed.
bool kill_if(pid_t pid, const std::function<bool()>& is_meant);

/// CPU time of a process so far, in nanoseconds; 0 where there is none any more.
Nanos cpu_time_of(pid_t pid);

/// Sends SIGKILL to the worker in that slot. False: there is none just now.
bool kill_worker(pid_t master, int slot);

/// The workers of a server that is not ours: those below the program that its supervisor started which have
/// its listening socket; a program without such is its own only worker. Their slots are their process ids in
/// order, and whoever is new has the lowest slot of one that is gone.
class ForeignWorkers {
 public:
  ForeignWorkers(pid_t supervisor, std::uint16_t port) : supervisor_(supervisor), port_(port) {}

  /// Looks who is there just now.
  void look();
  /// The same with what was found, in any order.
  void take(std::vector<pid_t> alive);
  /// Looks, and sends SIGKILL to the worker in that slot. False: there is none just now.
  bool kill(int slot);
  /// Everybody's slot who was there at a look.
  const std::map<pid_t, int>& slots() const { return slots_; }

 private:
  pid_t supervisor_;
  std::uint16_t port_;
  std::vector<pid_t> now_;  // by slot; 0: nobody
  std::map<pid_t, int> slots_;
};

/// Watches the processes of one server during one load. What it costs is kept below one per cent of the time.
/// Of our own servers these are the workers, which bear their slot in their name, and all that descends from
/// them: neither the master nor what it keeps beside the workers serves requests. A server that is not ours
/// is everything that descends from its supervisor, on any level and by any name: its own master too, and
/// helpers such as Python's resource tracker, because nothing distinguishes them.
class ServerWatch {
 public:
  /// `master` -1: knows nothing; of a server that is not ours (`foreign`) it is the supervisor. `proc` is
  /// another folder in tests.
  explicit ServerWatch(pid_t master, bool foreign = false, std::string proc = "/proc");

  /// Before the load's connections are opened.
  void before();
  /// Just before the first request: from here on CPU time and switches count.
  void start();
  /// Now and then during the load; does nothing where it was here less than 50 ms ago, or where the next
  /// send is nearer than 5 ms. `room`: nanoseconds until then.
  void look(Nanos now, Nanos room);
  /// Just after the last reply.
  void finish();

  const ServerUse& use() const { return use_; }

 private:
  struct Watched {
    ProcessUse first, last;
  };

  void find();
  bool read(pid_t pid, ProcessUse& use) const;
  ProcessUse sum_now();

  pid_t master_;
  bool foreign_;
  std::string proc_;
  std::map<pid_t, Watched> processes_;
  std::vector<pid_t> alive_;
  ServerUse use_;
  Nanos next_look_ = 0;
};

}  // namespace lab
