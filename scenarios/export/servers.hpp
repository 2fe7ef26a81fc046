#pragma once

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "scenarios/export/export.hpp"
#include "scenarios/export/python_file.hpp"

// What export_server() is made of.

namespace lab {

/// The arm as a server of that kind executes it. Error: why it has no meaning there (meaning.cpp).
Result<Arm> real_arm(const Scenario& scenario, const Arm& arm, ExportTarget target);

/// Whether the arm's server is one of WSGI: a request has a thread, or a whole process, to itself.
bool is_wsgi(const Arm& arm);

/// Whether requests of that route bring a body, in any case of the scenario.
bool brings_body(const Scenario& scenario, std::size_t route);

/// The module of the readable file: `main`; of a scenario whose program listens somewhere by itself its own
/// name, `main_worker`.
std::string module_of(const Scenario& scenario);

/// main.py with FastAPI for an arm that has a meaning there (fastapi.cpp).
PythonFile fastapi_application(const Scenario& scenario, const Arm& arm);

/// The same as a plain WSGI application.
PythonFile wsgi_application(const Scenario& scenario, const Arm& arm);

/// server.js with Node's own http (node.cpp).
std::string node_server(const Scenario& scenario, const Arm& arm);

}  // namespace lab
