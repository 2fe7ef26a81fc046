#include "results/report/diagnosis_change.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "lab/core/json_members.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

namespace json = boost::json;

void read_rows(const JsonMembers& document, KeptDiagnosis& kept) {
  for (const json::value& each : document.list("evidence")) {
    const JsonMembers row(each);
    const int at_once = row.count("at_once");
    for (const json::value& took : row.list("all_s")) {
      json::error_code problem;
      if (const auto seconds = took.to_number<double>(problem); !problem && at_once > 1 && seconds > 0)
        kept.makespans_s[at_once].push_back(seconds);
    }
  }
}

void read_places(const JsonMembers& document, KeptDiagnosis& kept) {
  for (const json::value& each : document.object("inside").list("places")) {
    const JsonMembers place(each);
    const std::string id = place.text("id"), file = place.text("file");
    const std::string what =
        file.empty() ? place.text("call") : fmt::format("{} {}", file, place.text("function"));
    kept.places[fmt::format("{} {}", id, what)] = fmt::format("{} {}", id, place.text("where"));
  }
}

std::string executed(const KeptDiagnosis& kept) {
  const int parallelism = kept.parallelism.value_or(0);
  if (kept.execution == "pool") return fmt::format("a pool of {}", parallelism);
  if (kept.execution == "workers") return fmt::format("{} workers", parallelism);
  return kept.execution;
}

std::string sure(const Shift& shift) {
  if (shift.p < 0.001) return "p < 0.001";
  return fmt::format("p = {:.{}f}", shift.p, shift.p < 0.1 ? 3 : 2);
}

void say_times(DiagnosisChange& change) {
  const Shift& shift = *change.shift;
  const std::string both = fmt::format("{} at once took {}, now {}", change.at_once,
                                       format_seconds(change.before_s), format_seconds(change.now_s));
  if (shift.p >= kRisk) {
    change.says.push_back(fmt::format("{}: no difference can be claimed ({})", both, sure(shift)));
    return;
  }
  const double times = shift.estimate < 0 ? change.before_s / change.now_s : change.now_s / change.before_s;
  change.says.push_back(fmt::format("{}: {:.{}f} times {} ({}, bursts of all sizes together)", both, times,
                                    times < 10 ? 1 : 0, shift.estimate < 0 ? "as fast" : "as long",
                                    sure(shift)));
}

}  // namespace

Result<KeptDiagnosis> read_kept_diagnosis(const std::string& document) {
  json::error_code problem;
  const json::value value = json::parse(document, problem);
  const JsonMembers members(value);
  if (problem || members.text("schema") != "lab.diagnose/1")
    return usage_error("that is no diagnosis; give last, or a file of lab diagnose --format json");
  KeptDiagnosis kept;
  kept.saved = members.text("started");
  kept.execution = members.text("execution");
  if (members.real("parallelism")) kept.parallelism = members.count("parallelism");
  kept.loop_blocked = members.flag("loop_blocked");
  read_rows(members, kept);
  read_places(members, kept);
  return kept;
}

DiagnosisChange compare_diagnoses(const KeptDiagnosis& before, const KeptDiagnosis& now) {
  DiagnosisChange change;
  change.before = before.saved;
  std::vector<double> was, is;
  for (const auto& [at_once, all] : before.makespans_s) {
    const auto same = now.makespans_s.find(at_once);
    if (same == now.makespans_s.end()) continue;
    const double usual = median_of(all);
    for (const double took : all) was.push_back(took / usual);
    for (const double took : same->second) is.push_back(took / usual);
    change.at_once = at_once;
    change.before_s = usual;
    change.now_s = median_of(same->second);
  }
  if (!was.empty() && !is.empty()) change.shift = compare_samples(was, is);
  if (executed(before) != executed(now))
    change.says.push_back(fmt::format("it was {}, now it is {}", executed(before), executed(now)));
  if (change.shift) say_times(change);
  if (before.loop_blocked == true && now.loop_blocked == false)
    change.says.emplace_back("cheap routes are answered meanwhile");
  for (const auto& [key, text] : before.places)
    (now.places.contains(key) ? change.still : change.gone).push_back(text);
  for (const auto& [key, text] : now.places) {
    if (!before.places.contains(key)) change.fresh.push_back(text);
  }
  for (const std::string& text : change.gone) change.says.push_back(text + " is gone");
  for (const std::string& text : change.still) change.says.push_back(text + " is still there");
  for (const std::string& text : change.fresh) change.says.push_back(text + " is new");
  return change;
}

}  // namespace lab
