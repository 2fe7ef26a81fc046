#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/course/grade.hpp"

namespace lab {

namespace {

constexpr double kNear = 0.12;  // of the right answer, of which a tenth is accepted
constexpr double kSame = 0.1;   // of another mistake, which 5 % on either side name

/// All that the handler waits and computes before its reply, as if nothing overlapped.
Nanos added_up(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) {
    if (const auto* wait = std::get_if<Wait>(&step.action)) sum += wait->duration;
    if (const auto* compute = std::get_if<Compute>(&step.action)) sum += compute->duration;
    if (const auto* call = std::get_if<CallUpstream>(&step.action)) sum += call->duration;
    if (const auto* query = std::get_if<Query>(&step.action)) sum += query->duration;
    if (const auto* repeat = std::get_if<Repeat>(&step.action))
      sum += repeat->times * added_up(repeat->steps);
    if (const auto* pooled = std::get_if<Pooled>(&step.action)) sum += added_up(pooled->steps);
    if (const auto* gather = std::get_if<Gather>(&step.action)) {
      for (const Plan& branch : gather->branches) sum += added_up(branch);
    }
  }
  return sum;
}

class Mistakes {
 public:
  Mistakes(const Scenario& scenario, const Ask& ask, const NumberAnswer& number, const ModelMachine& machine)
      : scenario_(scenario), ask_(ask), number_(number), machine_(machine), arm_(arm_of(scenario, ask)) {}

  std::vector<NumberAnswer::Wrong> collect() {
    if (number_.is_time) times();
    other_arms();
    return found_;
  }

 private:
  void add(double value, std::string say) {
    const auto near = [&](double other, double room) {
      return std::abs(value - other) <= room * std::max(std::abs(other), std::abs(value));
    };
    if (!std::isfinite(value) || value < 0 || near(number_.right, kNear)) return;
    if (value >= number_.low && value <= number_.high) return;
    const auto same = [&](const NumberAnswer::Wrong& wrong) { return near(wrong.value, kSame); };
    if (std::any_of(number_.wrong.begin(), number_.wrong.end(), same)) return;
    if (std::any_of(found_.begin(), found_.end(), same)) return;
    found_.push_back({value, std::move(say)});
  }

  void times() {
    const Load& load = case_of(scenario_, ask_).loads.front();
    const Plan& plan = scenario_.routes[load.route].plan;
    const double alone = seconds(unhindered_time(plan));
    const double all = seconds(added_up(plan));
    const auto n = static_cast<double>(load.requests);
    if (n > 1) {
      add(n * alone,
          fmt::format("you added up what all {} requests take, as if each waited for the one before.",
                      load.requests));
      add(alone,
          fmt::format("that is one request alone; what do the other {} hold meanwhile?", load.requests - 1));
      if (arm_.workers > 1) {
        add(n * alone / arm_.workers,
            fmt::format("you divided the sum by {} workers, but a request is served whole by one of them.",
                        arm_.workers));
      }
      add(alone / n, "you divided one request by their number; what overlaps does not become shorter.");
    }
    add(all, "you added the waits; these overlap.");
    if (all > alone) add(alone, "that is the longest of the waits alone, as if all of them overlapped.");
    mean();
  }

  void mean() {
    if (ask_.answer.quantity != Stat::Quantity::makespan && ask_.answer.aggregate != Stat::Aggregate::max)
      return;
    Ask average = ask_;
    average.answer.quantity =
        ask_.answer.quantity == Stat::Quantity::makespan ? Stat::Quantity::latency : ask_.answer.quantity;
    average.answer.aggregate = Stat::Aggregate::mean;
    if (const auto value = ask_the_model(scenario_, average, arm_, machine_))
      add(*value, "that is the mean; the question is about the last and slowest.");
  }

  void other_arms() {
    for (const Arm& arm : scenario_.arms) {
      if (arm.id == arm_.id) continue;
      if (const auto value = ask_the_model(scenario_, ask_, arm, machine_))
        add(*value, fmt::format("that is what {} ({}) gives.", arm.id, arm.label));
    }
  }

  const Scenario& scenario_;
  const Ask& ask_;
  const NumberAnswer& number_;
  const ModelMachine& machine_;
  const Arm& arm_;
  std::vector<NumberAnswer::Wrong> found_;
};

}  // namespace

std::vector<NumberAnswer::Wrong> usual_mistakes(const Scenario& scenario, const Ask& ask,
                                                const NumberAnswer& number, const ModelMachine& machine) {
  return Mistakes(scenario, ask, number, machine).collect();
}

}  // namespace lab
