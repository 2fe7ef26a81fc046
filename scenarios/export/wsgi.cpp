#include <fmt/format.h>

#include "lab/core/text.hpp"
#include "scenarios/export/fastapi.hpp"
#include "scenarios/export/meaning.hpp"
#include "scenarios/export/python_steps.hpp"
#include "scenarios/loader/python.hpp"

namespace lab {

namespace {

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
