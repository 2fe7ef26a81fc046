#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/external/external_server.hpp"
#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/temporary.hpp"
#include "results/store/run.hpp"
#include "scenarios/export/export.hpp"

namespace lab {

/// One arm as one engine executes it.
struct EngineArm {
  std::string engine;
  Arm arm;                               ///< as it executes there, which its prediction and its bound rest on
  std::optional<ExportedServer> source;  ///< of fastapi, node and recorded
  std::string refusal;                   ///< why this arm has no meaning there; empty: it has
  std::string written{};  ///< the id of the scenario's arm, which `arm` may bear with a runtime
  std::string runtime{};  ///< EngineId::runtime
};

/// The arms of one engine. FastAPI's stand once for asyncio and, as `ID@uvloop`, once for uvloop; arms of
/// several workers as `ID@gunicorn` too. `servers`: how many servers of one's own there are (kServer); their
/// bound is the plan's alone, as if every request had a worker to itself.
std::vector<EngineArm> engine_arms(const Scenario& scenario, std::string_view engine,
                                   std::size_t servers = 0);

class Fixtures;

/// Servers that are not ours and whom the user names.
struct ForeignOptions {
  std::string python = "/usr/bin/python3";  ///< not whichever comes first in PATH: Debian's has the packages
  std::vector<std::string> servers;         ///< command lines with {port}, in the order of their arms
  std::string ready;                        ///< what is asked until they answer
};

/// What an interpreter has of the modules that were looked for, by name: the version, `?` where it does not
/// say, empty where it is missing.
using Modules = std::map<std::string, std::string>;

/// Asks a Python which of these modules it has; `python` itself is among them. Error (exit 3): no such
/// interpreter, or it does not run.
Result<Modules> look_for_modules(const std::string& python, const std::vector<std::string>& modules);

/// Starts the servers of other engines for an experiment: writes their files, knows their interpreters,
/// measures how fast these compute. Not thread-safe; made while the process has one thread.
class ForeignServers {
 public:
  /// Throws Failure: a --server that cannot be split or has no {port} (exit 2), no room for the files
  /// (exit 3). A missing interpreter or module is no error: unsupported_reason() names it.
  static ForeignServers prepare(const Scenario& scenario, const std::vector<EngineArm>& arms,
                                ForeignOptions options);

  /// Why this arm cannot be run here; nothing where it can.
  std::optional<std::string> unsupported_reason(const EngineArm& arm) const;

  /// A fresh server for one trial. `said`: all that one wrote that did not start.
  Result<ExternalServer> start(const EngineArm& arm, Fixtures& fixtures, std::string* said = nullptr);

  /// Versions and rates, as a run records them.
  const std::vector<std::pair<std::string, std::string>>& environment() const { return environment_; }

 private:
  void write_files(const EngineArm& arm);
  Result<void> measure_rate(const EngineArm& arm);
  std::filesystem::path folder_of(const EngineArm& arm) const;
  std::string interpreter_of(const EngineArm& arm) const;

  ForeignOptions options_;
  std::vector<std::vector<std::string>> commands_;  // of servers, split
  TemporaryFolder folder_;
  Modules modules_;                            // of Python
  std::string data_file_;                      // of steps that read
  std::map<std::string, std::string> rates_;   // by engine, turns per second
  std::map<std::string, std::string> broken_;  // by engine, why its interpreter cannot be used
  std::vector<std::pair<std::string, std::string>> environment_;
};

/// The scenario as that engine computes it: how long it takes to add up roots is its own affair, read from
/// what the run recorded (ForeignServers::environment()).
Scenario as_engine_computes(const Scenario& scenario, const std::string& engine, const RunHeader& header);

}  // namespace lab
