#include "scenarios/code_line.hpp"

#include <fmt/format.h>

#include <cctype>

#include "lab/core/text.hpp"

namespace lab {

namespace {

std::string blocking_call(const Step& step) {
  struct Spell {
    std::string operator()(const Wait& wait) const {
      return fmt::format("time.sleep({:g})", seconds(wait.duration));
    }
    std::string operator()(const Cpu& cpu) const {
      return fmt::format("compute({:g})", seconds(cpu.duration));
    }
  };
  return std::visit(Spell{}, step.action);
}

std::string in_threadpool(const Step& step) {
  std::string call = blocking_call(step);
  call[call.find('(')] = ',';
  call.insert(call.find(',') + 1, " ");
  return "await run_in_threadpool(" + call;
}

std::string statement(const Step& step, const Traits& mode) {
  const bool waits = std::holds_alternative<Wait>(step.action);
  const Resource held = waits ? mode.waiting : mode.computing;
  if (step.blocking || held == mode.handler) return blocking_call(step);
  if (held == Resource::pool) return in_threadpool(step);
  return fmt::format("await asyncio.sleep({:g})", seconds(unhindered_time({step})));
}

std::string function_name(const Route& route) {
  std::string name = route.name;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

}  // namespace

std::string fastapi_line(const Route& route, const Traits& mode) {
  std::string body;
  for (const Step& step : route.plan) body += (body.empty() ? "" : "; ") + statement(step, mode);
  if (body.empty()) body = "return {}";
  const bool asynchronous = mode.handler == Resource::loop;
  return fmt::format("{}def {}(): {}", asynchronous ? "async " : "", function_name(route), body);
}

std::string unusual_settings(const Arm& arm) {
  std::vector<std::string> parts;
  if (arm.threads != Arm{}.threads) {
    if (arm.uses(Resource::pool)) parts.push_back(fmt::format("pool of {}", arm.threads));
    if (arm.uses(Resource::thread))
      parts.push_back(fmt::format("{} thread{}", arm.threads, arm.threads == 1 ? "" : "s"));
  }
  if (arm.gil) parts.emplace_back("GIL");
  if (arm.cores > 0) parts.push_back(fmt::format("{} core{}", arm.cores, arm.cores == 1 ? "" : "s"));
  if (arm.predict_only) parts.emplace_back("predicted only");
  std::string text = parts.empty() ? "" : "(" + join(parts, ", ") + ")";
  if (arm.workers > 1) text += fmt::format("{}× {} workers", text.empty() ? "" : " ", arm.workers);
  return text;
}

}  // namespace lab
