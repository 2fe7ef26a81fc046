#include "lab/core/plan.hpp"

#include "lab/core/duration.hpp"

namespace lab {

namespace {

struct Describe {
  std::string operator()(const Wait& wait) const { return "wait " + format_duration(wait.duration); }
  std::string operator()(const Cpu& cpu) const { return "cpu " + format_duration(cpu.duration); }
};

struct Time {
  Nanos operator()(const Wait& wait) const { return wait.duration; }
  Nanos operator()(const Cpu& cpu) const { return cpu.duration; }
};

}  // namespace

std::string describe(const Plan& plan) {
  if (plan.empty()) return "nothing";
  std::string text;
  for (const Step& step : plan) {
    if (!text.empty()) text += ", ";
    text += std::visit(Describe{}, step.action);
    if (step.blocking) text += " (blocking)";
  }
  return text;
}

Nanos unhindered_time(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) sum += std::visit(Time{}, step.action);
  return sum;
}

}  // namespace lab
