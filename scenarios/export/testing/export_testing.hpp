#pragma once

#include <string>
#include <vector>

#include "scenarios/export/export.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

namespace lab::test {

inline const Traits& mode_named(std::string_view name) {
  for (const Traits& mode : kTestModes) {
    if (mode.name == name) return mode;
  }
  return kTestModes.front();
}

/// A scenario with the route POST /delay of that plan, and one arm.
inline Scenario scenario_of(std::string_view mode, Plan plan) {
  Scenario scenario;
  scenario.name = "example";
  scenario.question = "What is it?";
  scenario.routes = {{"delay", "POST", "/delay", std::move(plan)}};
  Arm arm;
  arm.id = "one";
  arm.modes = {mode_named(mode)};
  scenario.arms = {arm};
  return scenario;
}

inline Result<ExportedServer> exported(const Scenario& scenario, ExportTarget target = ExportTarget::fastapi,
                                       const ExportChoice& choice = {}) {
  return export_server(scenario, scenario.arms.front(), target, choice);
}

/// main.py or server.js of the first arm.
inline std::string source_of(const Scenario& scenario, ExportTarget target = ExportTarget::fastapi) {
  return exported(scenario, target).value().files.front().text;
}

inline std::string source_of(std::string_view mode, Plan plan) {
  return source_of(scenario_of(mode, std::move(plan)));
}

/// Why the first arm has no meaning there; empty where it has one.
inline std::string reason(const Scenario& scenario, ExportTarget target = ExportTarget::fastapi) {
  const auto server = exported(scenario, target);
  return server ? "" : server.error().message;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace lab::test
