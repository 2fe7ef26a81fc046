// scenarios/loader reads scenarios and claims from TOML, says with place and fix what is wrong in them,
// applies the options that change a scenario, and writes its handlers as lines of FastAPI. The program and
// scenarios/export may use it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/claims.hpp"
#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// What the command line changes of a scenario before it is built. Each names the option in its errors; an
/// option that changes nothing is an error.
struct Overrides {
  std::map<std::string, Nanos> params;    ///< --set d=1s, --delay (d)
  std::optional<std::int64_t> requests;   ///< --requests: of every burst and closed load
  std::optional<int> workers;             ///< --workers: of arms that have several workers
  std::optional<int> threads;             ///< --threads: of arms that have a pool or threads
  std::optional<Arrivals> arrivals;       ///< --arrivals: of the first load of each case
  std::optional<double> rate;             ///< --rate: requests per second of constant and poisson loads
  std::optional<Nanos> duration;          ///< --duration: how long constant and poisson loads last
  std::optional<bool> fresh_connections;  ///< --connections opened|fresh
  std::vector<std::string> arms;          ///< --arms: only these, in the file's order
  std::vector<std::string> cases;         ///< --case: only these, in the file's order
  std::vector<std::string> modes;         ///< --modes: only arms of these modes
  double scale = 1;                       ///< --scale: multiplies waits, CPU work, periods and durations
  bool operator==(const Overrides&) const = default;
};

/// Builds a scenario from TOML text. `file` is for messages: `file:line:column: what was expected`.
Result<Scenario> parse_scenario(std::string_view toml, const std::string& file, std::span<const Traits> modes,
                                const Overrides& overrides = {});

/// Folders where scenarios are looked for, best first: $LAB_SCENARIOS, the checkout that holds the program or
/// the current folder, the installation's share/lab/scenarios.
std::vector<std::filesystem::path> scenario_folders();

/// Whether it is a path to a .toml, not a scenario's name.
bool is_scenario_path(const std::string& text);

/// A name (`blocking-async`) or a path to a .toml. The error names the nearest scenario.
Result<Scenario> load_scenario(const std::string& name_or_path, std::span<const Traits> modes,
                               const Overrides& overrides = {});

/// Whether a recorded scenario's TOML text describes the experiment of `scenario`: what is sent to which
/// servers. Questions, labels, checks and explanations may differ, and the scenario may have cases more.
bool same_experiment(std::string_view recorded, std::string_view scenario);

/// Names of all scenarios that are found, sorted.
std::vector<std::string> scenario_names();

/// Reads claims from TOML text; errors are `file:line:column: what was expected`. Says nothing about whether
/// scenarios, arms and cases exist.
Result<ClaimsFile> parse_claims(std::string_view toml, const std::string& file);

/// Reads a file; without a path `results/claims.toml` of the checkout or the installation's.
Result<ClaimsFile> load_claims(const std::optional<std::filesystem::path>& path = {});

/// Looks every scenario, arm, case, route and parameter up and fills in the cases that are not named.
Result<void> settle_claims(ClaimsFile& file, std::span<const Traits> modes);

}  // namespace lab
