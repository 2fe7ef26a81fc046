// A scenario file that somebody else wrote: read or refused with its place, and what is read can be written
// as FastAPI and Node.

#include <algorithm>

#include "lab/servers/mode.hpp"
#include "scenarios/export/export.hpp"
#include "scenarios/loader/code_line.hpp"
#include "scenarios/loader/loader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace lab::fuzz {

namespace {

/// Refusals are usage errors, of one line, that begin with the place.
void check_refusal(const Error& error) {
  expect(error.kind == ErrorKind::usage, "exit 2", error.message);
  expect(error.message.starts_with("file.toml:"), "a place", error.message);
  expect(error.message.size() < 700, "few words", error.message);
  expect(error.message.find('\n') == std::string::npos, "one line", error.message);
}

void use(const Scenario& scenario) {
  expect(!scenario.routes.empty() && !scenario.arms.empty() && !scenario.cases.empty(),
         "a scenario has all parts");
  for (const Case& one : scenario.cases) {
    for (const Load& load : one.loads) expect(load.route < scenario.routes.size(), "a load has its route");
  }
  for (const Arm& arm : scenario.arms) {
    expect(arm.modes.size() == scenario.routes.size(), "a mode for each route");
    for (std::size_t i = 0; i < scenario.routes.size(); ++i) {
      const std::string line = fastapi_line(scenario.routes[i], arm.modes[i], arm, 100);
      expect(!line.empty(), "a line of FastAPI");
    }
    for (const ExportTarget target : {ExportTarget::fastapi, ExportTarget::node}) {
      const auto exported = export_server(scenario, arm, target);
      expect(exported ? !exported->files.empty() : !exported.error().message.empty(), "files, or why not");
    }
  }
}

}  // namespace

/// Those of scenarios/ are given as they are.
std::vector<std::string> seeds() {
  return {read_file("scenarios/blocking-async.toml")};
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<lab::Traits> modes = lab::known_modes();
  const std::string_view text = lab::fuzz::text_of(data, size);
  const auto scenario = lab::parse_scenario(text, "file.toml", modes);
  if (!scenario) {
    lab::fuzz::check_refusal(scenario.error());
    return 0;
  }
  lab::fuzz::use(*scenario);
  lab::fuzz::expect(lab::same_experiment(text, text), "a scenario is the experiment that it is");
  return 0;
}
