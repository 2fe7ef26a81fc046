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

std::string line(const std::string& time, const std::string& what, const std::string& running,
                 const std::string& ready, const std::string& waiting) {
  return pad(time, 9) + pad(what, 14) + pad(running, 10) + pad(ready, 14) + waiting;
}

/// A repetition's loop, step by step in words. A class calls the requests A for the only one on route `a`,
/// else by the route and the number.
class Cycle {
 public:
  Cycle(const Scenario& scenario, const RunRepetition& repetition)
      : began_(repetition.began), steps_(loop_cycle(repetition.events, repetition.records, scenario.routes)) {
    std::map<std::uint32_t, int> count;
    for (const RequestRecord& record : repetition.records) ++count[record.route];
    for (const RequestRecord& record : repetition.records) {
      std::string name = scenario.routes[record.route].name;
      if (name.size() == 1)
        name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
      if (count[record.route] > 1) name += fmt::format(" {}", record.id);
      names_[record.id] = std::move(name);
    }
  }

  Note table(std::string text) const {
    text += line("at", "what", "running", "ready queue", "waiting list");
    for (std::size_t i = 0; i < std::min(steps_.size(), kMaxLines); ++i) {
      const CycleStep& step = steps_[i];
      text += '\n' + line(at(step), fmt::format("{} {}", name(step.request), to_string(step.what)),
                          step.running ? name(*step.running) : "–", names(step.ready), names(step.waiting));
    }
    if (steps_.size() > kMaxLines) text += fmt::format("\n… and {} steps more", steps_.size() - kMaxLines);
    return {NoteKind::loop, text};
  }

  /// The first await of the run that was resumed, in four steps: where its task is, and who has the loop.
  std::optional<Note> first_await() const {
    const auto next = [&](auto from, CycleEvent what, std::uint32_t request) {
      return std::find_if(from, steps_.end(), [&](const CycleStep& step) {
        return step.what == what && step.request == request;
      });
    };
    for (auto pause = steps_.begin(); pause != steps_.end(); ++pause) {
      if (pause->what != CycleEvent::awaits) continue;
      const auto ready = next(pause, CycleEvent::ready, pause->request);
      const auto resumed = next(ready, CycleEvent::resumes, pause->request);
      if (resumed == steps_.end()) continue;
      std::vector<std::string> others;
      for (auto step = pause; step != resumed; ++step) {
        const bool runs = step->what == CycleEvent::starts || step->what == CycleEvent::resumes;
        if (runs && !contains(others, name(step->request))) others.push_back(name(step->request));
      }
      return Note{
          NoteKind::await,
          fmt::format("what {0}'s await did, in four steps:\n"
                      "1 At {1} {0} pauses and gives the loop back.\n"
                      "2 It is on the waiting list, with a note of what wakes it up; it holds nothing.\n"
                      "3 Meanwhile the loop runs what is ready: {2}.\n"
                      "4 At {3} its wait is over: it joins the ready queue, and at {4} it continues behind "
                      "the await.",
                      name(pause->request), at(*pause), others.empty() ? "nobody" : join(others, ", then "),
                      at(*ready), at(*resumed))};
    }
    return std::nullopt;
  }

 private:
  std::string at(const CycleStep& step) const {
    return fmt::format("{:.1f} ms", std::max(0.0, seconds(step.at - began_) * 1e3));
  }
  std::string name(std::uint32_t id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? "?" : found->second;
  }
  std::string names(const std::vector<std::uint32_t>& ids) const {
    std::vector<std::string> names;
    for (const std::uint32_t id : ids) names.push_back(name(id));
    return names.empty() ? "–" : join(names, " ");
  }

  Nanos began_;
  std::vector<CycleStep> steps_;
  std::map<std::uint32_t, std::string> names_;
};

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
      const Cycle cycle(scenario, repetition);
      remarks.push_back(cycle.table(many ? repetition.arm + " " + repetition.case_id + "\n" : ""));
      if (const auto reported = remarks.size() == 1 ? cycle.first_await() : std::nullopt)
        remarks.push_back(*reported);
    }
    if (scenario.trace != "path") continue;
    const std::string name =
        scenario.cases.size() > 1 ? repetition.arm + " " + repetition.case_id : repetition.arm;
    auto arm = std::ranges::find_if(arms, [&](const auto& known) { return known.first == name; });
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
