#pragma once

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "scenarios/export/export.hpp"

namespace lab {

/// The arm as a server of that kind executes it. Error: why it has no meaning there.
Result<Arm> real_arm(const Scenario& scenario, const Arm& arm, ExportTarget target);

/// Whether the arm's server is one of WSGI: a request has a thread, or a whole process, to itself.
bool is_wsgi(const Arm& arm);

/// Whether requests of that route bring a body, in any case of the scenario.
bool brings_body(const Scenario& scenario, std::size_t route);

}  // namespace lab
