#include "results/report/remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "harness/analysis/loop_cycle.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxLines = 30;
constexpr std::array<std::string_view, 6> kHops{"accept", "parse", "route", "handler", "write", "reply"};

/// What a class calls the requests: A for the only one on route `a`, else the route and the number.
class Names {
 public:
  Names(const RunRepetition& repetition, const std::vector<Route>& routes) {
    std::map<std::uint32_t, int> count;
    for (const RequestRecord& record : repetition.records) ++count[record.route];
    for (const RequestRecord& record : repetition.records) {
      std::string name = routes[record.route].name;
      if (name.size() == 1)
        name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
      if (count[record.route] > 1) name += fmt::format(" {}", record.id);
      names_[record.id] = std::move(name);
    }
  }
  std::string of(std::uint32_t id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? "?" : found->second;
  }
  std::string of(const std::vector<std::uint32_t>& ids) const {
    std::vector<std::string> names;
    for (const std::uint32_t id : ids) names.push_back(of(id));
    return names.empty() ? "–" : join(names, " ");
  }

 private:
  std::map<std::uint32_t, std::string> names_;
};

std::string line(const std::string& time, const std::string& what, const std::string& running,
                 const std::string& ready, const std::string& waiting) {
  return pad(time, 9) + pad(what, 14) + pad(running, 10) + pad(ready, 14) + waiting;
}

Note report_cycle(const Scenario& scenario, const RunRepetition& repetition, bool many) {
  const Names names(repetition, scenario.routes);
  const std::vector<CycleStep> steps = loop_cycle(repetition.events, repetition.records, scenario.routes);
  std::string text = many ? repetition.arm + " " + repetition.case_id + "\n" : "";
  text += line("at", "what", "running", "ready queue", "waiting list");
  std::size_t reported = 0;
  for (const CycleStep& step : steps) {
    if (reported++ == kMaxLines) {
      text += fmt::format("\n… and {} steps more", steps.size() - kMaxLines);
      break;
    }
    const double at = std::max(0.0, seconds(step.at - repetition.began) * 1e3);
    text += '\n' + line(fmt::format("{:.1f} ms", at),
                        fmt::format("{} {}", names.of(step.request), to_string(step.what)),
                        step.running ? names.of(*step.running) : "–", names.of(step.ready),
                        names.of(step.waiting));
  }
  return {NoteKind::loop, text};
}

/// The first await of the run that was resumed, in four steps: where its task is, and who has the loop.
std::optional<Note> report_await(const Scenario& scenario, const RunRepetition& repetition) {
  const Names names(repetition, scenario.routes);
  const std::vector<CycleStep> steps = loop_cycle(repetition.events, repetition.records, scenario.routes);
  const auto next = [&](auto from, CycleEvent what, std::uint32_t request) {
    return std::find_if(from, steps.end(),
                        [&](const CycleStep& step) { return step.what == what && step.request == request; });
  };
  const auto at = [&](const CycleStep& step) {
    return fmt::format("{:.1f} ms", std::max(0.0, seconds(step.at - repetition.began) * 1e3));
  };
  for (auto pause = steps.begin(); pause != steps.end(); ++pause) {
    if (pause->what != CycleEvent::awaits) continue;
    const auto ready = next(pause, CycleEvent::ready, pause->request);
    const auto resumed = next(ready, CycleEvent::resumes, pause->request);
    if (resumed == steps.end()) continue;
    std::vector<std::string> others;
    for (auto step = pause; step != resumed; ++step) {
      const bool runs = step->what == CycleEvent::starts || step->what == CycleEvent::resumes;
      const std::string name = names.of(step->request);
      if (runs && std::find(others.begin(), others.end(), name) == others.end()) others.push_back(name);
    }
    const std::string who = names.of(pause->request);
    return Note{
        NoteKind::await,
        fmt::format("what {0}'s await did, in four steps:\n"
                    "1 At {1} {0} stops where it is and gives the loop back.\n"
                    "2 It goes on the waiting list, with a note of what is to wake it; nothing is held.\n"
                    "3 The loop runs whatever is ready meanwhile: {2}.\n"
                    "4 At {3} its wait is over: it joins the ready queue, and at {4} it goes on behind "
                    "the await.",
                    who, at(*pause), others.empty() ? "nobody" : join(others, ", then "), at(*ready),
                    at(*resumed))};
  }
  return std::nullopt;
}

std::string format_hop(const std::vector<double>& each) {
  if (each.empty()) return "–";
  const double median = summarise(each).median;
  return median < 1e-3 ? fmt::format("{:.0f} µs", median * 1e6) : fmt::format("{:.1f} ms", median * 1e3);
}

using Hops = std::map<std::string_view, std::vector<double>>;

Note report_paths(const Scenario& scenario, const std::vector<std::pair<std::string, Hops>>& arms) {
  std::string text = pad("median", 20);
  for (const std::string_view hop : kHops) text += pad(hop, 9);
  for (const auto& [name, hops] : arms) {
    text += '\n' + pad(name, 20);
    for (const std::string_view hop : kHops) {
      const auto found = hops.find(hop);
      text += pad(format_hop(found == hops.end() ? std::vector<double>{} : found->second), 9);
    }
  }
  if (scenario.arms.size() == 1) text += "\n";
  return {NoteKind::path, text};
}

}  // namespace

std::vector<Note> notes_of_trace(const Scenario& scenario, const Run& run) {
  std::vector<Note> remarks;
  const bool many = scenario.arms.size() * scenario.cases.size() > 1;
  std::vector<std::pair<std::string, Hops>> arms;
  for (const RunRepetition& kept : run.repetitions) {
    if (scenario.trace.empty()) break;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    if (scenario.trace == "cycle" && repetition.number == 1) {
      const bool first = remarks.empty();
      remarks.push_back(report_cycle(scenario, repetition, many));
      if (const auto reported = first ? report_await(scenario, repetition) : std::nullopt)
        remarks.push_back(*reported);
    }
    if (scenario.trace != "path") continue;
    const std::string name =
        scenario.cases.size() > 1 ? repetition.arm + " " + repetition.case_id : repetition.arm;
    auto arm = std::find_if(arms.begin(), arms.end(), [&](const auto& known) { return known.first == name; });
    if (arm == arms.end()) arm = arms.insert(arms.end(), {name, {}});
    for (const RequestRecord& record : repetition.records) {
      for (const PathSpan& span : request_path(record, repetition.events))
        arm->second[span.name].push_back(seconds(span.to - span.from));
    }
  }
  if (!arms.empty()) remarks.push_back(report_paths(scenario, arms));
  return remarks;
}

}  // namespace lab
