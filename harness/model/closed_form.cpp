#include "harness/model/model.hpp"

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
ClosedForm queue_form(const Spelling& format_span, const ModelInput& input, Resource resource,
                      std::string_view unit, double step) {
  const double n = static_cast<double>(input.load_case->loads.front().requests);
  const bool several = input.arm->workers > 1;
  const bool single = resource == Resource::loop || resource == Resource::gil;
  const std::string_view letter = resource == Resource::thread ? "T" : "P";
  const double members =
      (several ? input.arm->workers : 1) * (single ? 1.0 : std::max(1, input.arm->threads));
  const double value = std::ceil(n / members) * step;
  if (single && !several) return {format_span.times("N", unit), value};
  if (single) return {format_span.times(format_span.rounds("W"), unit), value};
  if (!several) return {format_span.times(format_span.rounds(letter), unit), value};
  return {format_span.times(format_span.rounds(format_span.product("W", letter)), unit), value};
}

// Whether anything besides the plan of one burst has a say.
bool plain(const ModelInput& input) {
  const Case& load_case = *input.load_case;
  if (load_case.loads.size() != 1 || !load_case.kills.empty()) return false;
  const Load& load = load_case.loads.front();
  const Route& route = (*input.routes)[load.route];
  const bool dealt_evenly = input.arm->workers <= 1 || input.arm->accept == Accept::handoff;
  const bool limited = input.arm->accept == Accept::one && input.arm->accept_limit > 0;
  return load.arrivals == Arrivals::burst && load.requests >= 1 && load.hang_up == 0 && load.body_over == 0 &&
         load.body_bytes <= route.body_limit && !load.then && route.plan.size() == 1 &&
         route.depends.empty() && dealt_evenly && !limited;
}

// N requests that hold one of k connections each; where they hold something else, too, it must not bind.
std::optional<ClosedForm> connection_form(const Spelling& format_span, const ModelInput& input, Resource held,
                                          double step) {
  if (held != Resource::nothing) return std::nullopt;
  const double n = static_cast<double>(input.load_case->loads.front().requests);
  const bool several = input.arm->workers > 1;
  const double members = static_cast<double>(input.arm->connections) * std::max(1, input.arm->workers);
  const std::string rounds = format_span.rounds(several ? format_span.product("W", "k") : std::string("k"));
  return ClosedForm{format_span.times(rounds, "d"), std::ceil(n / members) * step};
}

std::optional<ClosedForm> wait_form(const Spelling& format_span, const ModelInput& input,
                                    const Traits& traits, Resource held, double d, bool on_connection) {
  if (on_connection && input.arm->connections > 0) {
    return traits.idle == Resource::thread ? std::nullopt : connection_form(format_span, input, held, d);
  }
  // Whoever holds something for the step's sake decides; the handler's own thread is held throughout.
  if (held != Resource::nothing) return queue_form(format_span, input, held, "d", d);
  if (traits.idle == Resource::thread) return queue_form(format_span, input, Resource::thread, "d", d);
  return ClosedForm{"d", d};
}

std::optional<ClosedForm> compute_form(const Spelling& format_span, const ModelInput& input,
                                       const Traits& traits, Resource held, const Compute& compute) {
  // What a queue computes comes after the reply, and files are read without the interpreter lock.
  if (traits.computing == Resource::queue || compute.work > Work::inference) return std::nullopt;
  const double c = seconds(compute.duration);
  const double n = static_cast<double>(input.load_case->loads.front().requests);
  const double cores = std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores);
  const bool locked = input.arm->gil && !(input.arm->pool_processes && held == Resource::pool);
  ClosedForm best{"c", c};
  const auto consider = [&](ClosedForm form, bool preferred) {
    if (form.seconds > best.seconds || (preferred && form.seconds == best.seconds)) best = std::move(form);
  };
  if (held != Resource::nothing) consider(queue_form(format_span, input, held, "c", c), true);
  if (locked) consider(queue_form(format_span, input, Resource::gil, "c", c), false);
  consider({format_span.times("N", "c") + "/C", n * c / cores}, false);
  return best;
}

}  // namespace

std::optional<ClosedForm> closed_form_of(const ModelInput& input, bool ascii) {
  if (!plain(input)) return std::nullopt;
  const Load& load = input.load_case->loads.front();
  const Step& step = (*input.routes)[load.route].plan.front();
  const Traits& traits = input.arm->modes[load.route];
  if (traits.computing == Resource::queue) return std::nullopt;  // all of it comes after the reply
  const Spelling format_span(ascii);
  const Resource waits_on = step.blocking ? traits.handler : traits.waiting;
  const Resource computes_on = step.blocking ? traits.handler : traits.computing;
  if (const auto* wait = std::get_if<Wait>(&step.action)) {
    return wait_form(format_span, input, traits, waits_on, seconds(wait->duration), wait->on_connection);
  }
  if (const auto* query = std::get_if<Query>(&step.action)) {
    return wait_form(format_span, input, traits, waits_on, seconds(query->duration), true);
  }
  if (const auto* call = std::get_if<CallUpstream>(&step.action)) {
    return wait_form(format_span, input, traits, waits_on, seconds(call->duration), false);
  }
  if (const auto* compute = std::get_if<Compute>(&step.action)) {
    return compute_form(format_span, input, traits, computes_on, *compute);
  }
  return std::nullopt;
}

std::optional<std::string> closed_form(const ModelInput& input, bool ascii) {
  auto form = closed_form_of(input, ascii);
  if (!form) return std::nullopt;
  return std::move(form->text);
}

}  // namespace lab
