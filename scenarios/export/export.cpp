#include "scenarios/export/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "lab/core/text.hpp"
#include "scenarios/export/python_file.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

std::string on_cores(const Arm& arm) {
  if (arm.cores == 0) return "";
  return arm.cores == 1 ? "taskset -c 0 " : fmt::format("taskset -c 0-{} ", arm.cores - 1);
}

/// The name, the question and the arm: what the file is.
std::string title_of(const Scenario& scenario, const Arm& arm) {
  std::string title = scenario.question;
  for (char& letter : title) {
    if (letter == '"' || letter == '\\') letter = '\'';
  }
  if (!arm.label.empty()) title += "\n\n" + arm.label;
  if (is_wsgi(arm))
    title += "\n\nA plain WSGI application: what Flask and Django give to gunicorn is one, too.";
  return title;
}

void add_modules(ExportedServer& server, const PythonFile& file) {
  for (const char* module : {"httpx", "requests", "psycopg2", "asyncpg"}) {
    if (file.uses(module)) server.modules.emplace_back(module);
  }
}

void add_files(ExportedServer& server, const Scenario& scenario, const PythonFile& file,
               const std::string& title, const char* stamps) {
  const std::string module = module_of(scenario);
  const Filled main{{"MAIN_", module}};
  server.files.push_back({module + ".py", file.text(title)});
  // `python3 work.py roots` prints how fast this Python adds up roots, too.
  if (file.uses("work") || file.uses("math")) server.files.push_back({"work.py", embedded_file("work.py")});
  if (file.uses("jobs")) server.files.push_back({"jobs.py", filled_file("jobs.py", main)});
  server.files.push_back({"lab_stamps.py", filled_file(stamps, main)});
}

/// gunicorn ends a worker that says nothing for 30 s, as one does that waits.
void add_gunicorn(ExportedServer& server, const Scenario& scenario, const std::string& options) {
  server.modules.emplace_back("gunicorn");
  server.arguments = {"-m",          "gunicorn", "lab_stamps:app", "-b", "127.0.0.1:{port}",
                      "--log-level", "warning",  "--timeout",      "300"};
  for (const std::string& word : split(options, ' ')) server.arguments.push_back(word);
  server.by_hand = fmt::format("{}gunicorn {}:app {}", on_cores(server.arm), module_of(scenario), options);
  if (scenario.port != 0) server.by_hand += fmt::format(" -b 0.0.0.0:{}", scenario.port);
}

void add_wsgi(ExportedServer& server, const Scenario& scenario, const std::string& title) {
  const Arm& arm = server.arm;
  const PythonFile file = wsgi_application(scenario, arm);
  add_files(server, scenario, file, title, "wsgi_stamps.py");
  add_modules(server, file);
  const bool sync = arm.modes.front().name != "thread-per-request" || arm.accept == Accept::one;
  add_gunicorn(server, scenario,
               sync ? fmt::format("-k sync -w {}", arm.workers)
                    : fmt::format("-k gthread --threads {} -w {}", arm.threads, arm.workers));
}

void add_asgi(ExportedServer& server, const Scenario& scenario, const std::string& title,
              const ExportChoice& choice) {
  const Arm& arm = server.arm;
  const PythonFile file = fastapi_application(scenario, arm);
  add_files(server, scenario, file, title, "lab_stamps.py");
  server.modules = {"fastapi", "uvicorn"};
  const bool uvloop = choice.loop == PythonLoop::uvloop;
  if (uvloop) server.modules.emplace_back("uvloop");
  for (const Route& route : scenario.routes) {
    if (route.method != "WS") continue;
    server.modules.emplace_back("websockets");
    break;
  }
  add_modules(server, file);
  if (choice.workers == Workers::gunicorn) {
    if (!uvloop) server.files.push_back({"asyncio_worker.py", embedded_file("asyncio_worker.py")});
    add_gunicorn(
        server, scenario,
        fmt::format("-k {} -w {}", uvloop ? "uvicorn.workers.UvicornWorker" : "asyncio_worker.AsyncioWorker",
                    arm.workers));
    return;
  }
  const std::string loop = uvloop ? "uvloop" : "asyncio";
  server.arguments = {"-m",     "uvicorn", "lab_stamps:app",  "--host",      "127.0.0.1", "--port", "{port}",
                      "--loop", loop,      "--no-access-log", "--log-level", "warning"};
  server.by_hand = fmt::format("{}uvicorn {}:app --loop {}", on_cores(arm), module_of(scenario), loop);
  if (scenario.port != 0) server.by_hand += fmt::format(" --host 0.0.0.0 --port {}", scenario.port);
  if (arm.workers > 1) {
    server.arguments.insert(server.arguments.end(), {"--workers", std::to_string(arm.workers)});
    server.by_hand += fmt::format(" --workers {}", arm.workers);
  }
}

void add_node(ExportedServer& server, const Scenario& scenario) {
  server.files = {{"server.js", node_server(scenario, server.arm)}};
  if (server.files.front().text.find("require('./work')") != std::string::npos)
    server.files.push_back({"work.js", embedded_file("work.js")});
  server.files.push_back({"lab_stamps.js", embedded_file("lab_stamps.js")});
  server.arguments = {"-r", "./lab_stamps.js", "server.js", "{port}"};
  server.by_hand = on_cores(server.arm) + "node server.js";
}

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

Result<ExportedServer> export_server(const Scenario& scenario, const Arm& arm, ExportTarget target,
                                     const ExportChoice& choice) {
  ExportedServer server;
  LAB_TRY(server.arm, real_arm(scenario, arm, target));
  if (target == ExportTarget::node) {
    add_node(server, scenario);
  } else if (is_wsgi(server.arm)) {
    add_wsgi(server, scenario, title_of(scenario, arm));
  } else {
    add_asgi(server, scenario, title_of(scenario, arm), choice);
  }
  return server;
}

Result<std::vector<ExportedVariant>> export_variants(const Scenario& scenario, const Arm& arm,
                                                     ExportTarget target) {
  struct Variant {
    const char* runtime;
    ExportChoice choice;
    bool workers_only;
  };
  constexpr std::array<Variant, 3> kVariants{{{"", {}, false},
                                              {"uvloop", {PythonLoop::uvloop, Workers::uvicorn}, false},
                                              {"gunicorn", {PythonLoop::asyncio, Workers::gunicorn}, true}}};
  std::vector<ExportedVariant> found;
  for (const Variant& variant : kVariants) {
    if (variant.workers_only && arm.workers == 1) continue;
    auto exported = export_server(scenario, arm, target, variant.choice);
    if (!exported && found.empty()) return exported.error();
    if (!exported) break;
    const bool known = std::ranges::any_of(found, [&](const ExportedVariant& one) {
      return one.server.arguments == exported->arguments &&
             one.server.files.front().text == exported->files.front().text;
    });
    if (!known) found.push_back({variant.runtime, std::move(*exported)});
  }
  return found;
}

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
