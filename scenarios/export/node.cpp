#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/export/fastapi.hpp"
#include "scenarios/export/python_file.hpp"
#include "scenarios/export/python_steps.hpp"

namespace lab {

namespace {

std::string milliseconds_of(Nanos duration) {
  return fmt::format("{:.9g}", seconds(duration) * 1e3);
}

Lines in_js(const Lines& lines) {
  return indented(lines, 2);
}

/// What server.js needs besides http.
struct Needs {
  bool sleep = false, turn = false, counter = false;
  std::vector<std::string> work;  ///< of work.js

  void of_work(const std::string& name) {
    if (std::find(work.begin(), work.end(), name) == work.end()) work.push_back(name);
  }
};

class NodeStatement {
 public:
  NodeStatement(Needs& needs, const Traits& mode, const Step& step)
      : needs_(needs), mode_(mode), step_(step) {}

  Lines operator()(const Wait& wait) const {
    if (step_.blocking || mode_.waiting == Resource::loop) {
      needs_.of_work("sleepSync");
      return {"sleepSync(" + milliseconds_of(wait.duration) + ");"};
    }
    needs_.sleep = true;
    return {"await sleep(" + milliseconds_of(wait.duration) + ");"};
  }
  Lines operator()(const Compute& compute) const {
    if (compute.work == Work::sqrt_sum) {
      needs_.of_work("sumOfRoots");
      return {fmt::format("sumOfRoots({});", compute.units)};
    }
    needs_.of_work("burn");
    return {"burn(" + milliseconds_of(compute.duration) + ");"};
  }
  Lines operator()(const Increment& /*step*/) const {
    needs_.counter = true;
    return {"counter += 1;"};
  }
  Lines operator()(const Yield& /*step*/) const {
    needs_.turn = true;
    return {"await turn();"};
  }
  Lines operator()(const Ready& /*step*/) const { return {"await Promise.resolve();"}; }
  Lines operator()(const Repeat& repeat) const {
    Lines lines{fmt::format("for (let i = 0; i < {}; i++) {{", repeat.times)};
    append(lines, in_js(statements(needs_, mode_, repeat.steps)));
    lines.emplace_back("}");
    return lines;
  }
  Lines operator()(const Gather& gather) const {
    Lines lines{"await Promise.all(["};
    for (const Plan& branch : gather.branches) {
      Lines call = function_of(branch);
      call.back() += "(),";
      append(lines, in_js(call));
    }
    lines.emplace_back("]);");
    return lines;
  }
  /// In JavaScript it begins at once: only its end is not waited for.
  Lines operator()(const Forget& forget) const {
    Lines lines = function_of(forget.steps);
    lines.back() += "(); // no await";
    return lines;
  }
  template <class Other>
  Lines operator()(const Other& /*step*/) const {
    return {};  // real_arm() has refused it
  }

  static Lines statements(Needs& needs, const Traits& mode, const Plan& plan) {
    Lines lines;
    for (const Step& step : plan) append(lines, std::visit(NodeStatement(needs, mode, step), step.action));
    return lines;
  }

 private:
  Lines function_of(const Plan& plan) const {
    Lines lines{"(async () => {"};
    append(lines, in_js(statements(needs_, mode_, plan)));
    lines.emplace_back("})");
    return lines;
  }

  Needs& needs_;
  const Traits& mode_;
  const Step& step_;
};

bool counts(const Plan& plan) {
  bool found = false;
  for_each_step(plan,
                [&](const Step& step) { found = found || std::holds_alternative<Increment>(step.action); });
  return found;
}

}  // namespace

std::string node_server(const Scenario& scenario, const Arm& arm) {
  Needs needs;
  Lines routes{"const routes = {"};
  for (std::size_t index = 0; index < scenario.routes.size(); ++index) {
    const Route& route = scenario.routes[index];
    Lines handler{fmt::format("'{} {}': async () => {{", route.method, route.path)};
    append(handler, in_js(NodeStatement::statements(needs, arm.modes[index], route.plan)));
    handler.emplace_back(route.plan.empty()   ? "  return { message: 'hello' };"
                         : counts(route.plan) ? "  return { count: counter };"
                                              : "  return { message: 'done' };");
    handler.emplace_back("},");
    append(routes, in_js(handler));
  }
  routes.emplace_back("};");

  Lines lines;
  if (arm.workers > 1) lines.emplace_back("const cluster = require('node:cluster');");
  lines.emplace_back("const http = require('node:http');");
  if (needs.sleep) lines.emplace_back("const { setTimeout: sleep } = require('node:timers/promises');");
  if (needs.turn) lines.emplace_back("const { setImmediate: turn } = require('node:timers/promises');");
  if (!needs.work.empty())
    lines.emplace_back("const { " + join(needs.work, ", ") + " } = require('./work');");
  lines.emplace_back("");
  if (needs.counter) append(lines, {"let counter = 0;", ""});
  append(lines, routes);
  append(lines,
         {"", "const server = http.createServer(async (request, response) => {",
          "  const handler = routes[`${request.method} ${request.url.split('?')[0]}`];",
          "  const [status, reply] = handler ? [200, await handler()] : [404, { detail: 'Not Found' }];",
          "  const body = JSON.stringify(reply);", "  const length = Buffer.byteLength(body);",
          "  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length });",
          "  response.end(body);", "});", ""});
  if (arm.workers > 1) {
    append(lines, {"if (cluster.isPrimary) {",
                   fmt::format("  for (let i = 0; i < {}; i++) cluster.fork();", arm.workers), "} else {",
                   "  server.listen(process.argv[2] ?? 8000, '127.0.0.1');", "}"});
  } else {
    lines.emplace_back("server.listen(process.argv[2] ?? 8000, '127.0.0.1');");
  }
  return join(lines, "\n") + "\n";
}

}  // namespace lab
