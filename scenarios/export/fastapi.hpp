#pragma once

#include "lab/core/scenario.hpp"
#include "scenarios/export/python_file.hpp"

namespace lab {

/// main.py with FastAPI for an arm that has a meaning there (real_arm).
PythonFile fastapi_application(const Scenario& scenario, const Arm& arm);

/// The same as a plain WSGI application.
PythonFile wsgi_application(const Scenario& scenario, const Arm& arm);

/// server.js with Node's own http.
std::string node_server(const Scenario& scenario, const Arm& arm);

}  // namespace lab
