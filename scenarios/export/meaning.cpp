#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "scenarios/export/servers.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

using Reason = std::optional<std::string>;

/// A read lets go of the interpreter lock.
bool reads(const Step& step) {
  return step.is<Compute>() && step.as<Compute>()->work == Work::file_read;
}

bool computes(const Step& step) {
  return step.is<Compute>() && !reads(step);
}

bool switches(const Step& step) {
  return step.is<Compute>() && step.as<Compute>()->work >= Work::coroutine_switch;
}

bool all_modes_are(const Arm& arm, std::string_view name) {
  return std::ranges::all_of(arm.modes, [&](const Traits& mode) { return mode.name == name; });
}

bool same_server(const Arm& a, const Arm& b) {
  const auto settings = [](const Arm& arm) {
    return std::tie(arm.workers, arm.threads, arm.gil, arm.cores, arm.accept, arm.accept_limit,
                    arm.pool_processes, arm.connections, arm.shared_counters, arm.cancel, arm.backend,
                    arm.queues);
  };
  return a.mode_name() == b.mode_name() && settings(a) == settings(b);
}

/// The arm of the scenario that already is what this one would become.
const Arm* already_there(const Scenario& scenario, const Arm& arm, const Arm& real) {
  const bool lock_matters = any_step(scenario, computes);
  for (const Arm& other : scenario.arms) {
    Arm candidate = other;
    if (!lock_matters) candidate.gil = real.gil;
    if (other.id != arm.id && !other.predict_only && same_server(candidate, real)) return &other;
  }
  return nullptr;
}

Reason no_wsgi(const Scenario& scenario) {
  if (any_step(scenario, [](const Step& step) { return step.is<Background>(); }))
    return "WSGI knows no tasks after the reply";
  for (const Route& route : scenario.routes) {
    if (route.method == "WS") return "WSGI knows no WebSockets";
    if (route.path.find('{') != std::string::npos) return "a plain WSGI application knows no names in paths";
  }
  return std::nullopt;
}

Reason no_fastapi(const Scenario& scenario, const Arm& arm) {
  if (arm.backend == Backend::io_uring) return "Python's event loops ask the kernel with epoll, not io_uring";
  if (arm.accept == Accept::reuseport && arm.workers > 1)
    return "uvicorn's workers share one listening socket, none has a queue of its own (SO_REUSEPORT)";
  if (is_wsgi(arm)) return no_wsgi(scenario);
  if (arm.accept == Accept::one)
    return "no worker of uvicorn or gunicorn takes connections by their number, unless it is gunicorn's sync "
           "worker";
  if (arm.cancel && std::ranges::any_of(arm.modes, &Traits::looks_first))
    return "FastAPI begins a handler whether its client is still there or not";
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    for (const BodyField& field : scenario.routes[route].body) {
      if (python_identifier(field.name) != field.name)
        return fmt::format("a list of its JSON is called '{}', a word that Python or main.py uses",
                           field.name);
    }
    if (scenario.routes[route].method == "WS" && arm.modes[route].handler == Resource::pool)
      return "FastAPI's WebSocket routes are async def";
  }
  return std::nullopt;
}

Reason no_node(const Scenario& scenario, const Arm& arm) {
  if (arm.backend == Backend::io_uring) return "Node's loop asks the kernel with epoll, not io_uring";
  if (arm.uses(Resource::pool) || arm.uses(Resource::thread))
    return "Node runs every handler on its one loop and has no pool of threads for them";
  if (arm.uses(Resource::queue)) return "task queues are exported only to FastAPI";
  if (arm.workers > 1 && arm.accept != Accept::handoff)
    return "Node's cluster can only give connections to its workers in turn";
  if (arm.cancel) return "Node does not cancel a handler when its client has gone";
  if (arm.shared_counters) return "a counter that all workers share is exported only to FastAPI";
  if (any_step(scenario, [](const Step& step) {
        return step.is<CallUpstream, Query, Pooled, Background, Enqueue, FetchResult>();
      })) {
    return "only waiting and computing are exported to Node";
  }
  for (std::size_t index = 0; index < scenario.routes.size(); ++index) {
    const Route& route = scenario.routes[index];
    if (route.method == "WS" || !route.depends.empty() || brings_body(scenario, index) ||
        route.path.find('{') != std::string::npos) {
      return "only plain routes are exported to Node: no WebSocket, dependency, body or name in a path";
    }
  }
  if (any_step(scenario, reads)) return "reading a file is exported only to FastAPI";
  if (any_step(scenario, switches)) return "hand-overs are timed in C++ and Python, not in Node";
  return std::nullopt;
}

Arm in_python(const Scenario& scenario, const Arm& arm) {
  Arm real = arm;
  const bool only_reads = any_step(scenario, [](const Step& step) { return step.is<Compute>(); }) &&
                          !any_step(scenario, computes);
  if (!only_reads) real.gil = true;
  if (real.workers > 1 && real.accept == Accept::handoff) real.accept = Accept::greedy;
  if (!all_modes_are(arm, "thread-per-request")) return real;
  // gunicorn's threads take requests, not connections: between two of them a client holds nothing. While its
  // body comes in, it does.
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    if (!brings_body(scenario, route)) real.modes[route].idle = Resource::nothing;
  }
  return real;
}

}  // namespace

std::string module_of(const Scenario& scenario) {
  if (scenario.port == 0) return "main";
  const std::string name = python_name(scenario.name);
  return name.starts_with("main") ? name : "main_" + name;
}

bool is_wsgi(const Arm& arm) {
  return all_modes_are(arm, "thread-per-request") ||
         (arm.accept == Accept::one && arm.accept_limit == 1 && all_modes_are(arm, "blocking-loop"));
}

bool brings_body(const Scenario& scenario, std::size_t route) {
  const Route& asked = scenario.routes[route];
  const Route usual;
  if (asked.body_limit != usual.body_limit || asked.body_deadline != usual.body_deadline) return true;
  for (const Case& load_case : scenario.cases) {
    for (const Load& load : load_case.loads) {
      if (load.route == route && load.body_bytes > 0) return true;
    }
  }
  return false;
}

Result<Arm> real_arm(const Scenario& scenario, const Arm& arm, ExportTarget target) {
  const auto refuse = [](const Reason& reason) { return usage_error("{}", *reason); };
  if (arm.predict_only) return usage_error("too long to be measured, only the model runs it");
  if (target == ExportTarget::node) {
    if (const Reason reason = no_node(scenario, arm)) return refuse(reason);
    Arm real = arm;
    real.gil = false;  // one thread has nobody to share with
    if (arm.gil && already_there(scenario, arm, real) != nullptr)
      return usage_error("Node has no interpreter lock; '{}' is that arm",
                         already_there(scenario, arm, real)->id);
    return real;
  }
  if (const Reason reason = no_fastapi(scenario, arm)) return refuse(reason);
  Arm real = in_python(scenario, arm);
  if (const Arm* other = already_there(scenario, arm, real)) {
    if (real.accept != arm.accept) {
      return usage_error(
          "uvicorn's workers accept connections themselves, no master hands them out; '{}' is that arm",
          other->id);
    }
    return usage_error("Python 3.11 cannot run without its interpreter lock; '{}' is that arm", other->id);
  }
  return real;
}

}  // namespace lab
