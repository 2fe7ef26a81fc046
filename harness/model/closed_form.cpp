#include "harness/model/model.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace lab {

namespace {

// N requests, each holding one of `members` (`letter`, of one worker) for the whole step of `unit`.
ClosedForm rounds_form(const ModelInput& input, std::string_view letter, int members, std::string_view unit,
                       double step) {
  const auto n = static_cast<double>(input.load_case->loads.front().requests);
  const bool several = input.arm->workers > 1;
  const double all = static_cast<double>(members) * std::max(1, input.arm->workers);
  const std::string divisor = letter.empty() ? "W"
                              : several      ? fmt::format("(W·{})", letter)
                                             : std::string(letter);
  return {letter.empty() && !several ? fmt::format("N·{}", unit) : fmt::format("⌈N/{}⌉·{}", divisor, unit),
          std::ceil(n / all) * step};
}

ClosedForm queue_form(const ModelInput& input, Resource resource, std::string_view unit, double step) {
  const bool single = resource == Resource::loop || resource == Resource::gil;
  return rounds_form(input,
                     single                         ? ""
                     : resource == Resource::thread ? "T"
                                                    : "P",
                     single ? 1 : std::max(1, input.arm->threads), unit, step);
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

std::optional<ClosedForm> wait_form(const ModelInput& input, const Traits& traits, Resource held, double d,
                                    bool on_connection) {
  if (on_connection && input.arm->connections > 0) {
    // One of k connections each; where they hold something else, too, it must not bind.
    if (traits.idle == Resource::thread || held != Resource::nothing) return std::nullopt;
    return rounds_form(input, "k", input.arm->connections, "d", d);
  }
  // Whoever holds something for the step's sake decides; the handler's own thread is held throughout.
  if (held != Resource::nothing) return queue_form(input, held, "d", d);
  if (traits.idle == Resource::thread) return queue_form(input, Resource::thread, "d", d);
  return ClosedForm{"d", d};
}

std::optional<ClosedForm> compute_form(const ModelInput& input, Resource held, const Compute& compute) {
  if (compute.work > Work::inference) return std::nullopt;  // files are read without the interpreter lock
  const double c = seconds(compute.duration);
  const double n = static_cast<double>(input.load_case->loads.front().requests);
  const double cores = std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores);
  const bool locked = input.arm->gil && !(input.arm->pool_processes && held == Resource::pool);
  ClosedForm best{"c", c};
  const auto consider = [&](ClosedForm form, bool preferred) {
    if (form.seconds > best.seconds || (preferred && form.seconds == best.seconds)) best = std::move(form);
  };
  if (held != Resource::nothing) consider(queue_form(input, held, "c", c), true);
  if (locked) consider(queue_form(input, Resource::gil, "c", c), false);
  consider({"N·c/C", n * c / cores}, false);
  return best;
}

}  // namespace

std::optional<ClosedForm> closed_form(const ModelInput& input) {
  if (!plain(input)) return std::nullopt;
  const Load& load = input.load_case->loads.front();
  const Step& step = (*input.routes)[load.route].plan.front();
  const Traits& traits = input.arm->modes[load.route];
  if (traits.computing == Resource::queue) return std::nullopt;  // all of it comes after the reply
  const Resource waits_on = step.blocking ? traits.handler : traits.waiting;
  const Resource computes_on = step.blocking ? traits.handler : traits.computing;
  const auto wait = [&](Nanos duration, bool on_connection) {
    return wait_form(input, traits, waits_on, seconds(duration), on_connection);
  };
  if (const auto* own = step.as<Wait>()) return wait(own->duration, own->on_connection);
  if (const auto* query = step.as<Query>()) return wait(query->duration, true);
  if (const auto* call = step.as<CallUpstream>()) return wait(call->duration, false);
  if (const auto* compute = step.as<Compute>()) return compute_form(input, computes_on, *compute);
  return std::nullopt;
}

}  // namespace lab
