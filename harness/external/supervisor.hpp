// harness/external starts a server that is not ours below a supervisor of ours, and knows when it can be sent
// requests. For lab/experiment.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

struct SupervisorStatus;  // what the supervisor reports

/// A program to run below a supervisor.
struct SupervisedProgram {
  std::vector<std::string> arguments;
  std::string folder;                                            ///< its working directory; empty: ours
  std::vector<std::pair<std::string, std::string>> environment;  ///< besides ours
};

/// Executes that program, looked for in $PATH, in place of this one. Returns only where that fails (errno).
void execute(const std::vector<std::string>& arguments);

/// A small process between us and a program that is not ours. It is the reaper of everything that the program
/// leaves behind (PR_SET_CHILD_SUBREAPER), and kills all of it when the program ends, when we ask for it, and
/// when this process is gone (PR_SET_PDEATHSIG). The program has a session of its own, no descriptor of ours,
/// default signals, nothing to read, and writes into a file in memory whose last 64 KB are kept. Not
/// thread-safe.
class Supervisor {
 public:
  /// Forks. Call it while this process has one thread. Errors (exit 3): no memory or processes left, no such
  /// program or folder, not executable.
  static Result<Supervisor> start(const SupervisedProgram& program);

  Supervisor() = default;
  Supervisor(Supervisor&& other) noexcept = default;
  /// Of one that supervises nothing.
  Supervisor& operator=(Supervisor&& other) noexcept = default;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();  ///< kill()

  /// -1 once everything was reaped.
  pid_t pid() const { return child_.pid(); }
  /// The program itself.
  pid_t program() const;

  /// It ended although nobody asked it to: "ended with exit code 1" or "was ended by signal 9 (Killed)", and
  /// its last words.
  std::optional<std::string> ended();
  /// Of the program, once it has ended by itself.
  std::optional<int> exit_code() const;

  /// TERM to the program, KILL for all that is left when it has ended or after `patience`; all is reaped on
  /// return. False: the program had to be killed.
  bool stop(Nanos patience);
  /// KILL for all of them, reaped on return.
  void kill();

  /// Of its last 64 KB, without empty ones; long ones are cut.
  std::vector<std::string> last_lines(std::size_t most) const;
  /// The last line that names an error, as a traceback ends in one; else the last line. Empty: it wrote
  /// nothing.
  std::string last_words() const;
  /// What it wrote to stdout and stderr, at most the last 64 KB.
  std::string output() const;

 private:
  bool await_end(Nanos until);
  static void end_session(pid_t session);

  SharedMemory<SupervisorStatus> status_;
  UniqueFd output_;
  ChildProcess child_;
};

/// Runs a short program to its end; output() and last_lines() say what it wrote. Errors (exit 3): those of
/// start, no end within `patience`, an exit code other than 0, interrupted.
Result<Supervisor> run_to_end(const SupervisedProgram& program, Nanos patience);

}  // namespace lab
