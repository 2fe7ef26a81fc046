#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/scenario.hpp"
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

}  // namespace lab
