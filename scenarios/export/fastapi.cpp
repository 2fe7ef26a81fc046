#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/export/python_steps.hpp"
#include "scenarios/export/servers.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

/// What an `async def` does where its route is one for threads.
const Traits& on_the_loop() {
  static const Traits kLoop{"", "", "", Resource::loop, Resource::nothing, Resource::loop, Resource::nothing};
  return kLoop;
}

/// The name in braces of a route's path, as the handler calls it; empty where there is none.
std::string parameter_in(const std::string& path, const Plan& plan) {
  const std::size_t open = path.find('{');
  if (open == std::string::npos) return "";
  const bool is_task = std::any_of(plan.begin(), plan.end(), [](const Step& step) {
    return std::holds_alternative<FetchResult>(step.action);
  });
  return is_task ? "task_id" : python_identifier(path.substr(open + 1, path.find('}') - open - 1));
}

std::string path_with(std::string path, const std::string& parameter) {
  const std::size_t open = path.find('{');
  if (open != std::string::npos) path.replace(open, path.find('}') - open + 1, "{" + parameter + "}");
  return path;
}

void set_up_pool(PythonFile& file, const Scenario& scenario, const Arm& arm) {
  if (!needs_pool(scenario.routes, arm)) return;
  const Filled threads{{"THREADS_", std::to_string(arm.threads)}};
  if (arm.pool_processes) {
    file.add_piece("process_pool", threads);
  } else if (arm.threads != Arm{}.threads) {
    file.add_piece("pool_size", threads);
  }
}

void set_up_queues(PythonFile& file, const Scenario& scenario, const Arm& arm) {
  std::vector<std::string> names;
  const auto note = [&](const std::string& name) {
    if (!contains(names, name)) names.push_back(name);
  };
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    for_each_step(executed_plan(scenario.routes[route], arm.modes[route]), [&](const Step& step) {
      if (const auto* job = std::get_if<Enqueue>(&step.action)) note(job->queue);
      if (const auto* asked = std::get_if<FetchResult>(&step.action)) note(asked->queue);
    });
  }
  for (const std::string& name : names) {
    const auto found = arm.queues.find(name);
    const QueueSettings settings = found == arm.queues.end() ? QueueSettings{} : found->second;
    file.add_piece(settings.shared ? "shared_queue" : "queue",
                   {{"NAME_", file.unused(python_identifier(name))},
                    {"WORKERS_", std::to_string(settings.workers)},
                    {"CAPACITY_", std::to_string(settings.capacity)}});
  }
}

/// A function that reads the body as it comes, and its name.
std::string body_reader(PythonFile& file, const Route& route, const std::string& name, bool wsgi) {
  std::string reader = file.unused("body_of_" + name);
  const char* piece = wsgi ? "wsgi_body" : route.body_deadline == 0 ? "body" : "body_in_time";
  file.add_piece(piece, {{"NAME_", reader},
                         {"LIMIT_", python_number(route.body_limit)},
                         {"DEADLINE_", fmt::format("{:.9g}", seconds(route.body_deadline))}});
  return reader;
}

std::string dependency(PythonFile& file, const Arm& arm, const Dependency& needed, const Traits& mode,
                       const std::string& name) {
  const Traits& loop = mode.handler == Resource::loop ? mode : on_the_loop();
  PythonSteps steps(file, arm, needed.asynchronous ? loop : python_thread(), name);
  std::string function = file.unused("before_" + name);
  const Lines statements = steps.silent_statements(needed.steps);
  file.add(
      python_function((needed.asynchronous ? "async def " : "def ") + function + "()", steps, statements));
  return function;
}

class RouteWriter {
 public:
  RouteWriter(PythonFile& file, const Scenario& scenario, const Arm& arm, std::size_t index)
      : file_(file),
        scenario_(scenario),
        arm_(arm),
        index_(index),
        route_(scenario.routes[index]),
        mode_(arm.modes[index]),
        name_(file.unused(python_identifier(route_.name))),
        plan_(executed_plan(route_, mode_)) {}

  void write() {
    if (route_.method == "WS") return write_socket();
    const bool asynchronous = mode_.handler == Resource::loop;
    PythonSteps steps(file_, arm_, mode_, name_);
    Lines statements = steps.statements(plan_);
    const std::string kind = asynchronous ? "async def " : "def ";
    std::string reply = plan_.empty() ? R"({"message": "hello"})" : steps.reply();
    Lines parameters = this->parameters(steps);
    if (arm_.cancel && mode_.waiting == Resource::nothing && asynchronous && !plan_.empty() &&
        steps.reply() == PythonSteps(file_, arm_, mode_, name_).reply()) {
      file_.add_piece("unless_gone");
      const std::string inner = file_.unused(name_ + "_steps");
      const std::string given = steps.has_tasks() ? "(tasks)" : "()";
      file_.add(python_function("async def " + inner + given, steps, statements));
      statements = {"await unless_gone(request, " + inner + given + ")"};
      parameters.insert(parameters.begin(), "request: Request");
    }
    Lines handler{fmt::format("@app.{}(\"{}\")", lower_case(route_.method),
                              path_with(route_.path, parameter_in(route_.path, plan_)))};
    append(handler, python_function(fmt::format("{}{}({})", kind, name_, join(parameters, ", ")), steps,
                                    statements, "return " + reply));
    file_.add(handler);
  }

 private:
  Lines parameters(const PythonSteps& steps) {
    Lines all;
    if (const std::string name = parameter_in(route_.path, plan_); !name.empty())
      all.push_back(name == "task_id" ? "task_id: int" : name);
    if (steps.has_tasks()) {
      file_.use_from("fastapi", "BackgroundTasks");
      all.emplace_back("tasks: BackgroundTasks");
    }
    if (brings_body(scenario_, index_)) depend(all, "size", body_reader(file_, route_, name_, false));
    for (std::size_t i = 0; i < route_.depends.size(); ++i) {
      depend(all, route_.depends.size() == 1 ? "_" : fmt::format("_{}", i + 1),
             dependency(file_, arm_, route_.depends[i], mode_, name_));
    }
    return all;
  }

  void depend(Lines& parameters, const std::string& name, const std::string& function) {
    file_.use_from("fastapi", "Depends");
    parameters.push_back(fmt::format("{}=Depends({})", name, function));
  }

  void write_socket() {
    file_.use_from("fastapi", "WebSocket");
    PythonSteps steps(file_, arm_, mode_, name_);
    const Lines statements = steps.statements(plan_);
    Lines body;
    if (steps.counts()) body.emplace_back("global counter");
    body.emplace_back("await socket.accept()");
    body.emplace_back("async for message in socket.iter_text():");
    if (!plan_.empty()) append(body, indented(statements));
    body.push_back("    await socket.send_json(" + steps.reply() + ")");
    Lines handler{fmt::format("@app.websocket(\"{}\")", route_.path),
                  "async def " + name_ + "(socket: WebSocket):"};
    append(handler, indented(body));
    file_.add(handler);
  }

  PythonFile& file_;
  const Scenario& scenario_;
  const Arm& arm_;
  std::size_t index_;
  const Route& route_;
  const Traits& mode_;
  std::string name_;
  Plan plan_;
};

/// `    ("GET", "/work"): work,`
std::string add_route(PythonFile& file, const Scenario& scenario, const Arm& arm, std::size_t index) {
  const Route& route = scenario.routes[index];
  const std::string name = file.unused(python_identifier(route.name));
  PythonSteps steps(file, arm, python_thread(), name);
  Plan plan;
  for (const Dependency& needed : route.depends)
    plan.insert(plan.end(), needed.steps.begin(), needed.steps.end());
  plan.insert(plan.end(), route.plan.begin(), route.plan.end());
  Lines statements = steps.statements(plan);
  if (brings_body(scenario, index)) {
    const std::string reader = body_reader(file, route, name, true);
    const Lines reading{"problem = " + reader + "(environ)",
                        "if problem:", "    return problem, {\"detail\": problem}"};
    if (statements == Lines{"pass"}) statements.clear();
    statements.insert(statements.begin(), reading.begin(), reading.end());
  }
  const std::string reply = plan.empty() ? R"({"message": "hello"})" : steps.reply();
  file.add(python_function("def " + name + "(environ)", steps, statements, "return \"200 OK\", " + reply));
  return fmt::format("    (\"{}\", \"{}\"): {},", route.method, route.path, name);
}

}  // namespace

PythonFile fastapi_application(const Scenario& scenario, const Arm& arm) {
  PythonFile file;
  file.use_from("fastapi", "FastAPI");
  file.set("app = FastAPI()");
  set_up_queues(file, scenario, arm);
  set_up_pool(file, scenario, arm);
  for (std::size_t route = 0; route < scenario.routes.size(); ++route)
    RouteWriter(file, scenario, arm, route).write();
  return file;
}

PythonFile wsgi_application(const Scenario& scenario, const Arm& arm) {
  PythonFile file;
  Lines routes{"ROUTES = {"};
  for (std::size_t index = 0; index < scenario.routes.size(); ++index)
    routes.push_back(add_route(file, scenario, arm, index));
  routes.emplace_back("}");
  file.add_piece("wsgi_not_found");
  file.add(routes);
  file.add_piece("wsgi_app");
  return file;
}

}  // namespace lab
