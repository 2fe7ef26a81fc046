// harness/inside looks into a server on this machine while an examination asks it: what its threads are in,
// by the kernel (proc(5)) and by a probe of its language, and which line of code that is. For results/report
// and `lab diagnose`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// What a thread can be in, as far as it matters to requests that wait.
enum class CallKind : std::uint8_t {
  running,    ///< on a core, or waiting for one
  events,     ///< waiting for any of several descriptors, as a loop does: epoll_wait, poll of several, accept
  sleeping,   ///< nanosleep
  receiving,  ///< from one descriptor
  sending,
  locked,        ///< futex
  taking_turns,  ///< futex with a time limit, as an interpreter lock is waited for
  connecting,
  file,   ///< opens, syncs
  child,  ///< waits for another process
  other
};

/// What one thread was in: the system call and what it was about.
struct Doing {
  CallKind kind = CallKind::other;
  std::string call;   ///< `clock_nanosleep`; of a thread that has a core `running`
  std::string about;  ///< `127.0.0.1:5432 (PostgreSQL)`, `a pipe`, a futex's address; may be empty
  std::string by;     ///< which of several: the socket's name

  auto operator<=>(const Doing&) const = default;
};

struct ThreadMoment {
  Nanos at = 0;
  pid_t thread = 0;
  std::uint32_t doing = 0;  ///< its place in KernelSamples::doings
};

/// One thread over the whole time.
struct ThreadFacts {
  pid_t pid = 0;
  Nanos cpu_before = 0, cpu_after = 0;
  std::int64_t switches_before = 0, switches_after = 0;
};

/// Everything that was read, in the order of time.
struct KernelSamples {
  std::vector<Doing> doings;
  std::vector<ThreadMoment> moments;
  std::vector<Nanos> looks;
  std::optional<Nanos> last_at_rest{};  ///< the last look before anything was asked
  std::map<pid_t, ThreadFacts> threads;
  std::set<pid_t> processes;          ///< all that were there
  bool calls_unreadable = false;      ///< /proc/PID/syscall: ptrace rules forbid it
  bool sockets_unreadable = false;    ///< /proc/PID/fd
  std::optional<uid_t> other_user{};  ///< whose a process is, where it is not ours
};

/// The words of /proc/PID/syscall: the number of the call and its arguments; -1: it runs, or is not in a
/// call.
struct CallWords {
  long number = -1;  // NOLINT(google-runtime-int): as the kernel has it
  std::uint64_t arguments[4] = {};
};
/// None where the text is not what the manual says.
std::optional<CallWords> call_in(std::string_view syscall);

/// The name of a system call's number, and what it means; `call 435` where it is not known here.
Doing doing_of(const CallWords& call);
/// The same from /proc/PID/wchan, the kernel's function that it sleeps in: where the former may not be read.
Doing doing_of(std::string_view wchan, char state);

/// `127.0.0.1:5432 (PostgreSQL)` by `socket:[4711]`, from the text of /proc/PID/net/tcp, tcp6, udp or udp6.
/// Those that listen wait for `new connections`.
std::map<std::string, std::string> peers_in(std::string_view table);

/// A file of up to 64 MB, or its beginning; empty where it can't be read. It follows no link and waits for no
/// writer: the file may be somebody else's.
std::string read_whole(const std::string& path);

/// Looks at all threads of these processes and of those below them.
class KernelSampler {
 public:
  /// `proc` is another folder in tests.
  explicit KernelSampler(std::vector<pid_t> roots, std::string proc = "/proc");

  /// One sample of every thread.
  void look(Nanos now);
  /// CPU time and switches of all threads so far, before or after.
  void count(bool after);

  const KernelSamples& samples() const { return samples_; }

 private:
  void find(Nanos now);
  void look_at(pid_t pid, pid_t thread, Nanos now);
  Doing read_doing(pid_t pid, pid_t thread);
  void add_object(pid_t pid, std::uint64_t descriptor, Doing& doing);
  const std::string& peer_of(pid_t pid, const std::string& socket);

  std::vector<pid_t> roots_;
  std::string proc_;
  std::vector<pid_t> family_;
  Nanos found_ = 0;
  std::map<std::string, std::string> peers_;  // by the socket's name
  Nanos peers_read_ = 0;
  Nanos now_ = 0;
  std::map<Doing, std::uint32_t> known_;
  KernelSamples samples_;
};

}  // namespace lab
