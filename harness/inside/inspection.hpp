#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/load_address.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/external/external_server.hpp"
#include "harness/inside/inside_view.hpp"
#include "harness/inside/runtime_probes.hpp"

namespace lab {

/// Which server `lab diagnose` looks into: one that it starts (--server), one that runs (--pid), or none in
/// particular.
class Inspection {
 public:
  std::string command;     ///< --server
  std::optional<int> pid;  ///< --pid

  bool is_asked_for() const { return !command.empty() || pid.has_value(); }

  /// The URL that was given; a path of the server that is looked into stands for a whole one, whose port is 1
  /// until the server has one. Throws Failure (exit 2): options that do not go together, a process that is
  /// not there, or not ours.
  Url url_of(const std::string& text);
  /// Starts what is to be started, with probes in it; `ready` is a path that it answers, or empty. The URL's
  /// port is then the server's. Throws Failure (exit 3): it does not start.
  void begin(const std::string& text, const std::string& ready, Url& url);

  /// The process that was named or started, where nobody else is seen to listen.
  std::optional<LocalServer> process() const;
  /// Whose threads are looked at.
  std::vector<pid_t> roots(const std::optional<LocalServer>& local) const;
  /// That it ended although nobody asked it to, and how; empty: it runs. Its connections close before it is
  /// reaped, so that there may be a while until that is known.
  std::string ended(Nanos patience);
  /// What the probes wrote, beside what the kernel saw.
  InsideSeen take(const BurstWatch& watch, const std::optional<LocalServer>& local);
  /// Ends the server, if it was started here.
  void end();

 private:
  std::uint16_t listening_port() const;

  std::optional<RuntimeProbes> probes_;
  std::optional<ExternalServer> server_;
};

}  // namespace lab
