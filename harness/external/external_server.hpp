#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/external/supervisor.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// How to start a server that is not ours: "{port}" anywhere in its arguments and in the values of its
/// environment becomes the port, a free one that we choose, and another one, three times in all, where the
/// program says that it is taken.
struct ExternalCommand : SupervisedProgram {
  /// A path or a whole http URL ("{port}" in it too) that is asked until it answers with an HTTP status below
  /// 500; empty: the port accepts a connection.
  std::string ready;
  /// That many processes are waited for. A process counts when it has the listening socket in an epoll set;
  /// where too few do so (a blocking accept, select), the wait ends when the whole family has used next to no
  /// CPU time for 100 ms, at the latest 3 s after the port answered.
  int workers = 1;
  Nanos patience = 20 * kSecond;  ///< until it is ready
};

/// A running server that is not ours, below a supervisor of ours that ends all its processes with it, also
/// those that became daemons, and also when this process is killed. Not thread-safe.
class ExternalServer : public Supervisor {
 public:
  /// Starts it and waits until it is ready. Call it while this process has one thread. Errors (exit 3): no
  /// such program, not executable, it ended while starting (how, and its last words), not ready within its
  /// patience, interrupted. Exit 2: no command. `said`: all that a server wrote that did not start.
  static Result<ExternalServer> start(const ExternalCommand& command, std::string* said = nullptr);

  std::uint16_t port() const { return port_; }

 private:
  ExternalServer(Supervisor program, std::uint16_t port) : Supervisor(std::move(program)), port_(port) {}

  std::uint16_t port_;
};

/// The text with the port in place of each `{port}`.
std::string with_port(std::string text, std::uint16_t port);

/// 'node server.js {port}' in words, as a shell would split it: quotes and backslashes, no expansion. Error
/// (exit 2): an open quote, nothing to run.
Result<std::vector<std::string>> split_command(const std::string& line);

/// Where a server says that it is ready.
struct ReadinessProbe {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path;  ///< empty: an accepted connection is enough
};

/// `ready` is a path, a whole http URL, or empty. `port`: where it names none. Error (exit 2): it is neither.
Result<ReadinessProbe> make_probe(const std::string& ready, std::uint16_t port);

/// Tries once: whether the connection was accepted, and where there is a path, whether an HTTP status below
/// 500 came. Waits at most until `until` (CLOCK_MONOTONIC); an interruption ends it.
bool answers(const ReadinessProbe& probe, Nanos until);

}  // namespace lab
