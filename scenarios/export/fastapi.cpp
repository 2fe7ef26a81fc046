#include "scenarios/export/fastapi.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/export/meaning.hpp"
#include "scenarios/export/python_steps.hpp"
#include "scenarios/loader/python.hpp"

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
  if (arm.pool_processes) {
    file.use_from("concurrent.futures", "ProcessPoolExecutor");
    file.set(fmt::format("processes = ProcessPoolExecutor({})", arm.threads));
    return;
  }
  if (arm.threads == Arm{}.threads) return;
  file.use("anyio");
  file.add(
      {"@app.on_event(\"startup\")", "async def size_of_the_pool():",
       fmt::format("    anyio.to_thread.current_default_thread_limiter().total_tokens = {}", arm.threads)});
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
    const std::string variable = file.unused(python_identifier(name));
    if (settings.shared) {
      file.use("os");
      file.use_from("jobs", "SharedJobQueue");
      file.set(R"(STORE = os.environ.get("STORE", "store.sqlite"))");
      file.set(fmt::format("{} = SharedJobQueue(\"{}\", STORE, workers={}, capacity={})", variable, variable,
                           settings.workers, settings.capacity));
    } else {
      file.use_from("jobs", "JobQueue");
      file.set(fmt::format("{} = JobQueue(workers={}, capacity={})", variable, settings.workers,
                           settings.capacity));
    }
  }
}

/// A function that reads the body as it comes, and its name.
std::string body_reader(PythonFile& file, const Route& route, const std::string& name) {
  file.use_from("fastapi", "HTTPException");
  file.use_from("fastapi", "Request");
  Lines read{"async for part in request.stream():", "    size += len(part)",
             "    if size > " + python_number(route.body_limit) + ":",
             "        raise HTTPException(413, \"the body is too large\")"};
  Lines body{"size = 0"};
  if (route.body_deadline == 0) {
    append(body, read);
  } else {
    file.use("asyncio");
    body.emplace_back("try:");
    read.insert(read.begin(),
                fmt::format("async with asyncio.timeout({:.9g}):", seconds(route.body_deadline)));
    for (std::size_t i = 1; i < read.size(); ++i) read[i] = "    " + read[i];
    append(body, indented(read));
    body.emplace_back("except TimeoutError:");
    body.emplace_back("    raise HTTPException(408, \"the body took too long\")");
  }
  body.emplace_back("return size");
  std::string reader = file.unused("body_of_" + name);
  Lines lines{"async def " + reader + "(request: Request):"};
  append(lines, indented(body));
  file.add(lines);
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

/// The handler's steps are ended when its client has gone: nobody else does it, so the handler looks itself.
void add_cancelling(PythonFile& file) {
  file.use("asyncio");
  file.use_from("fastapi", "Request");
  file.add({"async def gone(request):",
            "    while (await request.receive())[\"type\"] != \"http.disconnect\":", "        pass"});
  file.add({"async def unless_gone(request, coroutine):",
            "    steps, left = asyncio.create_task(coroutine), asyncio.create_task(gone(request))",
            "    done, _ = await asyncio.wait([steps, left], return_when=asyncio.FIRST_COMPLETED)",
            "    left.cancel()", "    if steps in done:", "        return steps.result()",
            "    steps.cancel()"});
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
      add_cancelling(file_);
      const std::string inner = file_.unused(name_ + "_steps");
      const std::string given = steps.has_tasks() ? "(tasks)" : "()";
      file_.add(python_function("async def " + inner + given, steps, statements));
      statements = {"await unless_gone(request, " + inner + given + ")"};
      parameters.insert(parameters.begin(), "request: Request");
    }
    std::string method = route_.method;
    std::transform(method.begin(), method.end(), method.begin(), [](char letter) {
      return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    });
    Lines handler{
        fmt::format("@app.{}(\"{}\")", method, path_with(route_.path, parameter_in(route_.path, plan_)))};
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
    if (brings_body(scenario_, index_)) depend(all, "size", body_reader(file_, route_, name_));
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

/// A function that reads the body, and its name; it returns the status of what is wrong with it.
std::string add_body_reader(PythonFile& file, const Route& route, const std::string& name) {
  std::string reader = file.unused("body_of_" + name);
  file.add({"def " + reader + "(environ):", "    left = int(environ.get(\"CONTENT_LENGTH\") or 0)",
            "    if left > " + python_number(route.body_limit) + ":",
            "        return \"413 Content Too Large\"", "    while left > 0:",
            "        part = environ[\"wsgi.input\"].read(min(left, 65_536))", "        left -= len(part)",
            "        if not part:", "            return \"400 Bad Request\"", "    return None"});
  return reader;
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
  if (brings_body(scenario, index)) {
    const std::string reader = add_body_reader(file, route, name);
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
  file.use("json");
  Lines routes{"ROUTES = {"};
  for (std::size_t index = 0; index < scenario.routes.size(); ++index)
    routes.push_back(add_route(file, scenario, arm, index));
  routes.emplace_back("}");
  file.add({"def not_found(environ):", "    return \"404 Not Found\", {\"detail\": \"Not Found\"}"});
  file.add(routes);
  file.add(
      {"def app(environ, start_response):",
       "    handler = ROUTES.get((environ[\"REQUEST_METHOD\"], environ[\"PATH_INFO\"]), not_found)",
       "    status, reply = handler(environ)", "    body = json.dumps(reply).encode()",
       "    length = str(len(body))",
       "    start_response(status, [(\"Content-Type\", \"application/json\"), (\"Content-Length\", length)])",
       "    return [body]"});
  return file;
}

}  // namespace lab
