#include "harness/model/closed_form.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace lab {

namespace {

class Spelling {
 public:
  explicit Spelling(bool ascii) : ascii_(ascii) {}
  std::string times(std::string_view factor, std::string_view unit) const {
    return fmt::format("{}{}{}", factor, ascii_ ? "*" : "·", unit);
  }
  /// ⌈N/(W·P)⌉
  std::string rounds(std::string_view divisor) const {
    return ascii_ ? fmt::format("ceil(N/{})", divisor) : fmt::format("⌈N/{}⌉", divisor);
  }
  std::string product(std::string_view a, std::string_view b) const {
    return fmt::format("({})", times(a, b));
  }

 private:
  bool ascii_;
};

// N requests, each holding one of `members` of one of `workers` for the whole step.
ClosedForm queue_form(const Spelling& spell, const ModelInput& input, Resource resource,
                      std::string_view unit, double step) {
  const double n = static_cast<double>(input.load_set->loads.front().requests);
  const bool several = input.arm->workers > 1;
  const bool single = resource == Resource::loop || resource == Resource::gil;
  const std::string_view letter = resource == Resource::thread ? "T" : "P";
  const double members =
      (several ? input.arm->workers : 1) * (single ? 1.0 : std::max(1, input.arm->threads));
  const double value = std::ceil(n / members) * step;
  if (single && !several) return {spell.times("N", unit), value};
  if (single) return {spell.times(spell.rounds("W"), unit), value};
  if (!several) return {spell.times(spell.rounds(letter), unit), value};
  return {spell.times(spell.rounds(spell.product("W", letter)), unit), value};
}

}  // namespace

std::optional<ClosedForm> closed_form_of(const ModelInput& input, bool ascii) {
  if (input.load_set->loads.size() != 1) return std::nullopt;
  const Load& load = input.load_set->loads.front();
  const Plan& plan = (*input.routes)[load.route].plan;
  if (load.arrivals != Arrivals::burst || load.requests < 1 || plan.size() != 1) return std::nullopt;
  const Traits& traits = input.arm->modes[load.route];
  const Spelling spell(ascii);
  if (const auto* wait = std::get_if<Wait>(&plan.front().action)) {
    const Resource held = plan.front().blocking ? traits.handler : traits.waiting;
    const double d = seconds(wait->duration);
    // Whoever holds something for the step's sake decides; the handler's own thread is held throughout.
    if (held != Resource::nothing) return queue_form(spell, input, held, "d", d);
    if (traits.idle == Resource::thread) return queue_form(spell, input, Resource::thread, "d", d);
    return ClosedForm{"d", d};
  }
  const auto* cpu = std::get_if<Cpu>(&plan.front().action);
  if (cpu == nullptr) return std::nullopt;
  const Resource held = plan.front().blocking ? traits.handler : traits.computing;
  const double c = seconds(cpu->duration);
  const double n = static_cast<double>(load.requests);
  const double cores = std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores);
  ClosedForm best{"c", c};
  const auto consider = [&](ClosedForm form, bool preferred) {
    if (form.seconds > best.seconds || (preferred && form.seconds == best.seconds)) best = std::move(form);
  };
  if (held != Resource::nothing) consider(queue_form(spell, input, held, "c", c), true);
  if (input.arm->gil) consider(queue_form(spell, input, Resource::gil, "c", c), false);
  consider({spell.times("N", "c") + "/C", n * c / cores}, false);
  return best;
}

std::optional<std::string> closed_form(const ModelInput& input, bool ascii) {
  auto form = closed_form_of(input, ascii);
  if (!form) return std::nullopt;
  return std::move(form->text);
}

}  // namespace lab
