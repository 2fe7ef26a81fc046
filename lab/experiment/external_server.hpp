#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"
#include "lab/experiment/supervisor.hpp"

namespace lab {

/// How to start a server that is not ours.
struct ExternalCommand {
  std::vector<std::string> arguments;  ///< argv; "{port}" anywhere in them becomes the port
  std::string folder;                  ///< its working directory; empty: ours
  std::vector<std::pair<std::string, std::string>> environment;  ///< besides ours
  /// A path or a whole http URL ("{port}" in it too) that is asked until it answers with any HTTP status;
  /// empty: the port accepts a connection.
  std::string ready;
  /// That many processes are waited for. A process counts when it has the listening socket in an epoll set;
  /// where too few do so (a blocking accept, select), the wait ends when the whole family has used next to no
  /// CPU time for 100 ms, at the latest 3 s after the port answered.
  int workers = 1;
  Nanos patience = 20 * kSecond;  ///< until it is ready
  /// We choose a free port, and another one, three times in all, where the program says that it is taken.
  bool chooses_port = true;
  std::uint16_t port = 0;  ///< where it will listen on loopback; only without chooses_port
};

/// A running server that is not ours, below a guardian of ours that ends all its processes with it, also
/// those that became daemons, and also when this process is killed. Not thread-safe.
class ExternalServer {
 public:
  /// Starts it and waits until it is ready. Call it while this process has one thread. Errors (exit 3): no
  /// such program, not executable, it ended while starting (how, and its last words), not ready within its
  /// patience, the port is in use, interrupted. Exit 2: no command. `said`: all that a server wrote that did
  /// not start.
  static Result<ExternalServer> start(const ExternalCommand& command, std::string* said = nullptr);

  ExternalServer() = default;
  ExternalServer(ExternalServer&& other) noexcept = default;
  ExternalServer& operator=(ExternalServer&& other) noexcept = default;
  ExternalServer(const ExternalServer&) = delete;
  ExternalServer& operator=(const ExternalServer&) = delete;
  ~ExternalServer() = default;  ///< kills and reaps what still runs

  std::uint16_t port() const { return port_; }
  /// The guardian: all processes of the server descend from it.
  pid_t pid() const { return guardian_.pid(); }
  /// Nanoseconds from its start until it was ready.
  Nanos start_took() const { return start_took_; }
  /// It ended although nobody asked it to: how, with its last words.
  std::optional<std::string> ended() { return guardian_.ended(); }

  /// TERM to the program; KILL to whatever is left when it has ended, or after `patience`. Every process is
  /// reaped on return. False: the program had to be killed.
  bool stop(Nanos patience) { return guardian_.stop(patience); }
  /// KILL at once, reaped on return.
  void kill() { guardian_.kill(); }
  /// The last lines of what it wrote to stdout and stderr, at most `most`, of its last 64 KB.
  std::vector<std::string> last_lines(std::size_t most) const { return guardian_.last_lines(most); }
  std::string last_words() const { return guardian_.last_words(); }
  std::string output() const { return guardian_.output(); }

 private:
  Supervisor guardian_;
  std::uint16_t port_ = 0;
  Nanos start_took_ = 0;
};

/// The text with the port in place of each `{port}`.
std::string with_port(std::string text, std::uint16_t port);

/// 'node server.js {port}' in words, as a shell would split it: quotes and backslashes, no expansion. Error
/// (exit 2): an open quote, nothing to run.
Result<std::vector<std::string>> split_command(const std::string& line);

}  // namespace lab
