#include <fmt/format.h>

#include "lab/core/text.hpp"
#include "scenarios/export/python_file.hpp"

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
};

Lines node_statements(Needs& needs, const Traits& mode, const Plan& plan);

Lines function_in_js(Needs& needs, const Traits& mode, const Plan& plan, const std::string& called) {
  Lines lines{"(async () => {"};
  append(lines, in_js(node_statements(needs, mode, plan)));
  lines.push_back("})" + called);
  return lines;
}

Lines node_statement(Needs& needs, const Traits& mode, const Step& step) {
  if (const auto* wait = step.as<Wait>()) {
    const bool blocks = step.blocking || mode.waiting == Resource::loop;
    if (blocks) add_once(needs.work, "sleepSync");
    needs.sleep |= !blocks;
    return {(blocks ? "sleepSync(" : "await sleep(") + milliseconds_of(wait->duration) + ");"};
  }
  if (const auto* compute = step.as<Compute>()) {
    const bool roots = compute->work == Work::sqrt_sum;
    add_once(needs.work, roots ? "sumOfRoots" : "burn");
    return {roots ? fmt::format("sumOfRoots({});", compute->units)
                  : "burn(" + milliseconds_of(compute->duration) + ");"};
  }
  if (step.is<Increment>()) {
    needs.counter = true;
    return {"counter += 1;"};
  }
  if (step.is<Yield>()) {
    needs.turn = true;
    return {"await turn();"};
  }
  if (step.is<Ready>()) return {"await Promise.resolve();"};
  Lines lines;
  if (const auto* repeat = step.as<Repeat>()) {
    lines = {fmt::format("for (let i = 0; i < {}; i++) {{", repeat->times)};
    append(lines, in_js(node_statements(needs, mode, repeat->steps)));
    lines.emplace_back("}");
  } else if (const auto* gather = step.as<Gather>()) {
    lines = {"await Promise.all(["};
    for (const Plan& branch : gather->branches)
      append(lines, in_js(function_in_js(needs, mode, branch, "(),")));
    lines.emplace_back("]);");
  } else if (const auto* forget = step.as<Forget>()) {
    // In JavaScript it begins at once: only its end is not waited for.
    lines = function_in_js(needs, mode, forget->steps, "(); // no await");
  }
  return lines;  // real_arm() has refused the others
}

Lines node_statements(Needs& needs, const Traits& mode, const Plan& plan) {
  Lines lines;
  for (const Step& step : plan) append(lines, node_statement(needs, mode, step));
  return lines;
}

}  // namespace

std::string node_server(const Scenario& scenario, const Arm& arm) {
  Needs needs;
  Lines routes{"const routes = {"};
  for (std::size_t index = 0; index < scenario.routes.size(); ++index) {
    const Route& route = scenario.routes[index];
    Lines handler{fmt::format("'{} {}': async () => {{", route.method, route.path)};
    append(handler, in_js(node_statements(needs, arm.modes[index], route.plan)));
    handler.emplace_back(route.plan.empty()                ? "  return { message: 'Hello World' };"
                         : has_step<Increment>(route.plan) ? "  return { count: counter };"
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
  append(lines, piece("pieces.js", "server"));
  lines.emplace_back();
  append(lines, piece("pieces.js", arm.workers > 1 ? "cluster" : "listen",
                      {{"WORKERS_", std::to_string(arm.workers)}}));
  return join(lines, "\n") + "\n";
}

}  // namespace lab
