// WebAssembly has no cores to count, no files and nothing to calibrate: here is what the program asks its
// machine for instead, and the one function that a page calls.
#include "lab/page/wasm/machine.hpp"

#include <algorithm>
#include <boost/json/src.hpp>
#include <functional>
#include <span>
#include <string>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/page/page.hpp"
#include "results/report/arm_report.hpp"
#include "results/store/set_aside.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

int available_cores() {
  return kReferenceCores;
}

WorkRates calibrate_scenario(Scenario& scenario, bool /*only_open*/) {
  apply_reference_rates(scenario);
  return {};
}

const RunRepetition& whole(const RunRepetition& repetition, RunRepetition& /*room*/) {
  return repetition;
}

std::span<const RequestRecord> traced(const RunRepetition& repetition) {
  return repetition.records;
}

void for_each_event(const RunRepetition& repetition, const std::function<void(const Event&)>& visit) {
  for (const Event& event : repetition.events) visit(event);
}

/// Of servers that are not there.
std::string likely_execution(const std::vector<const RunRepetition*>& /*repetitions*/, double /*plan_s*/,
                             bool /*computes*/) {
  return "";
}

bool is_scenario_path(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".toml");
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const NamedText& scenario : scenario_texts()) names.emplace_back(scenario.name);
  return names;
}

Result<Scenario> load_scenario(const std::string& name, std::span<const Traits> modes,
                               const Overrides& overrides) {
  for (const NamedText& scenario : scenario_texts()) {
    if (scenario.name == name) return parse_scenario(scenario.text, name + ".toml", modes, overrides);
  }
  return usage_error("unknown scenario '{}'{}", name.substr(0, 60), suggestion(name, scenario_names()));
}

}  // namespace lab

/// Answers stay until the next call.
extern "C" const char* lab_call(const char* request) {
  static std::string answer;
  answer = lab::answer_call(request);
  return answer.c_str();
}
