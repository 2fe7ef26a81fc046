#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/export/python_file.hpp"
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
  const bool is_task = std::ranges::any_of(plan, [](const Step& step) { return step.is<FetchResult>(); });
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
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    for_each_step(executed_plan(scenario.routes[route], arm.modes[route]), [&](const Step& step) {
      if (const auto* job = step.as<Enqueue>()) add_once(names, job->queue);
      if (const auto* asked = step.as<FetchResult>()) add_once(names, asked->queue);
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

void add_socket(PythonFile& file, const Route& route, const std::string& name, const PythonSteps& steps,
                const Lines& statements) {
  file.use_from("fastapi", "WebSocket");
  Lines body;
  if (steps.counts()) body.emplace_back("global counter");
  body.emplace_back("await socket.accept()");
  body.emplace_back("async for message in socket.iter_text():");
  if (!route.plan.empty()) append(body, indented(statements));
  body.push_back("    await socket.send_json(" + steps.reply() + ")");
  Lines handler{fmt::format("@app.websocket(\"{}\")", route.path),
                "async def " + name + "(socket: WebSocket):"};
  append(handler, indented(body));
  file.add(handler);
}

/// `PredictRequest`: the class of what a request brings.
std::string body_class(PythonFile& file, const Route& route, const std::string& handler) {
  file.use_from("pydantic", "BaseModel");
  std::string name = handler;
  name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  name = file.unused(name + "Request");
  Lines lines{"class " + name + "(BaseModel):"};
  for (const BodyField& field : route.body) lines.push_back("    " + field.name + ": list[float]");
  file.add(lines);
  return name;
}

/// How a key of the reply is written there.
std::string reply_entry(PythonFile& file, const Route& route, ReplyField field) {
  std::string value(to_string(field));
  if (field == ReplyField::message) {
    value = python_string(route.plan.empty() ? "Hello World" : reply_message(route.plan));
  } else if (field == ReplyField::worker_id) {
    file.use("os");
    value = "os.getpid()";
  }
  return fmt::format("\"{}\": {}", to_string(field), value);
}

/// What the handler replies with. A listed reply, and a log where the program stands for itself, take
/// statements around the handler's own.
std::string add_reply(PythonFile& file, const Scenario& scenario, const Route& route,
                      const PythonSteps& steps, Lines& statements) {
  constexpr std::size_t kMaxOnALine = 2;
  const bool listed = !route.reply.empty() && !steps.replies(), logs = scenario.port != 0;
  std::string reply = route.plan.empty() ? R"({"message": "Hello World"})" : steps.reply();
  if (!listed && !logs) return reply;
  if (statements == Lines{"pass"}) statements.clear();
  Lines before, after, entries;
  if (logs) file.add_piece("log");
  const auto log = [&](Lines& lines, const char* what) {
    if (logs) lines.push_back(fmt::format("logger.info(\"{} {} {}\")", what, route.method, route.path));
  };
  const auto time = [&](Lines& lines, ReplyField field) {
    if (!listed || std::ranges::find(route.reply, field) == route.reply.end()) return;
    file.add_piece("clock");
    lines.push_back(fmt::format("{} = clock()", to_string(field)));
  };
  time(before, ReplyField::start_time);
  log(before, "start");
  time(after, ReplyField::end_time);
  if (!statements.empty()) log(after, "end");
  if (listed) {
    for (const ReplyField field : route.reply) entries.push_back(reply_entry(file, route, field));
    reply = "{" + join(entries, ", ") + "}";
  }
  statements.insert(statements.begin(), before.begin(), before.end());
  append(statements, after);
  if (!logs && entries.size() <= kMaxOnALine) return reply;
  if (entries.size() <= kMaxOnALine) {
    statements.push_back("reply = " + reply);
  } else {
    statements.emplace_back("reply = {");
    for (const std::string& entry : entries) statements.push_back("    " + entry + ",");
    statements.emplace_back("}");
  }
  if (logs) statements.emplace_back("logger.info(\"send %s\", reply)");
  return "reply";
}

void add_handler(PythonFile& file, const Scenario& scenario, const Arm& arm, std::size_t index) {
  const Route& route = scenario.routes[index];
  const Traits& mode = arm.modes[index];
  const std::string name = file.unused(python_identifier(route.name));
  const Plan plan = executed_plan(route, mode);
  PythonSteps steps(file, arm, mode, name);
  steps.serve(route);
  Lines statements = steps.statements(plan);
  if (route.method == "WS") return add_socket(file, route, name, steps, statements);

  Lines parameters;
  const std::string in_path = parameter_in(route.path, plan);
  if (!in_path.empty()) parameters.push_back(in_path == "task_id" ? "task_id: str" : in_path);
  if (!route.body.empty()) parameters.push_back("body: " + body_class(file, route, name));
  if (steps.has_tasks()) {
    file.use_from("fastapi", "BackgroundTasks");
    parameters.emplace_back("tasks: BackgroundTasks");
  }
  const auto depend = [&](const std::string& parameter, const std::string& function) {
    file.use_from("fastapi", "Depends");
    parameters.push_back(fmt::format("{}=Depends({})", parameter, function));
  };
  if (brings_body(scenario, index)) depend("size", body_reader(file, route, name, false));
  for (std::size_t i = 0; i < route.depends.size(); ++i) {
    depend(route.depends.size() == 1 ? "_" : fmt::format("_{}", i + 1),
           dependency(file, arm, route.depends[i], mode, name));
  }

  const bool asynchronous = mode.handler == Resource::loop;
  if (arm.cancel && mode.waiting == Resource::nothing && asynchronous && !plan.empty() && !steps.replies() &&
      !steps.predicts()) {
    file.add_piece("unless_gone");
    const std::string inner = file.unused(name + "_steps") + (steps.has_tasks() ? "(tasks)" : "()");
    file.add(python_function("async def " + inner, steps, statements));
    statements = {"await unless_gone(request, " + inner + ")"};
    parameters.insert(parameters.begin(), "request: Request");
  }
  const std::string reply = add_reply(file, scenario, route, steps, statements);
  Lines handler{fmt::format("@app.{}(\"{}\")", lower_case(route.method), path_with(route.path, in_path))};
  append(handler, python_function(
                      fmt::format("{}def {}({})", asynchronous ? "async " : "", name, join(parameters, ", ")),
                      steps, statements, "return " + reply));
  file.add(handler);
}

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
  const std::string reply = add_reply(file, scenario, route, steps, statements);
  if (brings_body(scenario, index)) {
    const std::string reader = body_reader(file, route, name, true);
    const Lines reading{"problem = " + reader + "(environ)",
                        "if problem:", "    return problem, {\"detail\": problem}"};
    if (statements == Lines{"pass"}) statements.clear();
    statements.insert(statements.begin(), reading.begin(), reading.end());
  }
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
    add_handler(file, scenario, arm, route);
  if (scenario.port != 0) {
    file.add(piece("pieces.py", "main",
                   {{"MAIN_", module_of(scenario)},
                    {"PORT_", std::to_string(scenario.port)},
                    {"WORKERS_", arm.workers > 1 ? fmt::format(", workers={}", arm.workers) : ""}}));
  }
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
