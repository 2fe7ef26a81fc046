#include "lab/experiment/engines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lab/servers/mode.hpp"

namespace lab {

namespace {

bool same_program(const ExportedServer& a, const ExportedServer& b) {
  return a.arguments == b.arguments && a.files.front().text == b.files.front().text;
}

void add_exported(const Scenario& scenario, const Arm& arm, std::string_view engine,
                  std::vector<EngineArm>& arms) {
  struct Variant {
    const char* runtime;
    ExportChoice choice;
    bool workers_only;
  };
  constexpr std::array<Variant, 3> kVariants{{{"", {}, false},
                                              {"uvloop", {PythonLoop::uvloop, Workers::uvicorn}, false},
                                              {"gunicorn", {PythonLoop::asyncio, Workers::gunicorn}, true}}};
  const ExportTarget target = engine == kNode ? ExportTarget::node : ExportTarget::fastapi;
  const std::size_t first = arms.size();
  for (const Variant& variant : kVariants) {
    if (variant.workers_only && arm.workers == 1) continue;
    auto exported = export_server(scenario, arm, target, variant.choice);
    if (!exported) {
      if (arms.size() == first)
        arms.push_back({std::string(engine), arm, {}, exported.error().message, arm.id, ""});
      return;
    }
    const bool known =
        std::any_of(arms.begin() + static_cast<std::ptrdiff_t>(first), arms.end(),
                    [&](const EngineArm& one) { return same_program(*one.source, *exported); });
    if (known) continue;
    EngineArm one{std::string(engine), exported->arm, std::move(*exported), "", arm.id, variant.runtime};
    one.arm.id = arm.id;
    if (!one.runtime.empty()) one.arm.id += "@" + one.runtime;
    one.arm.documented = arm.documented;
    arms.push_back(std::move(one));
  }
}

/// What a server would need that does nothing but the plan: no request waits for another one, and cores are
/// all that they share.
Arm plan_alone(const Scenario& scenario, std::size_t number) {
  Arm arm;
  arm.id = number == 0 ? kServer : fmt::format("{}-{}", kServer, number + 1);
  arm.label = "your own";
  Traits traits = find_mode("async-loop")->traits;
  traits.name = kServer;
  traits.fastapi = "your own";
  arm.modes.assign(scenario.routes.size(), traits);
  constexpr std::int64_t kEnough = 4'096;
  std::int64_t requests = 1;
  for (const Case& load_case : scenario.cases) requests = std::max(requests, load_case.requests());
  arm.workers = static_cast<int>(std::min(requests, kEnough));
  return arm;
}

}  // namespace

std::vector<EngineArm> engine_arms(const Scenario& scenario, std::string_view engine, std::size_t servers) {
  std::vector<EngineArm> arms;
  if (engine == kServer) {
    for (std::size_t number = 0; number < servers; ++number) {
      const Arm arm = plan_alone(scenario, number);
      arms.push_back({kServer, arm, {}, "", arm.id, ""});
    }
    return arms;
  }
  for (const Arm& arm : scenario.arms) {
    if (engine == kNative || engine == kModel) {
      arms.push_back({std::string(engine), arm, {}, "", arm.id, ""});
    } else {
      add_exported(scenario, arm, engine, arms);
    }
  }
  return arms;
}

}  // namespace lab
