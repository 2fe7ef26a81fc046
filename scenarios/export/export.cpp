#include "scenarios/export/export.hpp"

#include <fmt/format.h>

#include "lab/core/text.hpp"
#include "scenarios/export/servers.hpp"

namespace lab {

namespace {

/// A path that no application here knows: the question whether it answers must not begin a request's work.
constexpr const char* kNoRoute = "/favicon.ico";

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

}  // namespace

Result<ExportedServer> export_server(const Scenario& scenario, const Arm& arm, ExportTarget target,
                                     const ExportChoice& choice) {
  ExportedServer server;
  LAB_TRY(server.arm, real_arm(scenario, arm, target));
  server.ready_path = kNoRoute;
  if (target == ExportTarget::node) {
    add_node(server, scenario);
  } else if (is_wsgi(server.arm)) {
    add_wsgi(server, scenario, title_of(scenario, arm));
  } else {
    add_asgi(server, scenario, title_of(scenario, arm), choice);
  }
  return server;
}

}  // namespace lab
