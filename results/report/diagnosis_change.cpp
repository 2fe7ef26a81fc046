#include "results/report/diagnosis_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

namespace json = boost::json;

std::string words_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? printable({text->data(), text->size()}, false) : "";
}

const json::array& list_in(const json::object& object, const char* key) {
  static const json::array kNone;
  const json::value* value = object.if_contains(key);
  const json::array* array = value != nullptr ? value->if_array() : nullptr;
  return array != nullptr ? *array : kNone;
}

double number_in_value(const json::value& value) {
  json::error_code problem;
  const auto number = value.to_number<double>(problem);
  return problem ? 0 : number;
}

void read_rows(const json::object& document, KeptDiagnosis& kept) {
  for (const json::value& each : list_in(document, "evidence")) {
    const json::object* row = each.if_object();
    const json::value* size = row != nullptr ? row->if_contains("at_once") : nullptr;
    if (size == nullptr) continue;
    const int at_once = static_cast<int>(std::clamp(number_in_value(*size), 0.0, 1e6));
    for (const json::value& took : list_in(*row, "all_s")) {
      if (const double seconds = number_in_value(took); at_once > 1 && seconds > 0)
        kept.makespans_s[at_once].push_back(seconds);
    }
  }
}

void read_places(const json::object& document, KeptDiagnosis& kept) {
  const json::value* value = document.if_contains("inside");
  const json::object* inside = value != nullptr ? value->if_object() : nullptr;
  if (inside == nullptr) return;
  for (const json::value& each : list_in(*inside, "places")) {
    const json::object* place = each.if_object();
    if (place == nullptr) continue;
    const std::string file = words_in(*place, "file");
    const std::string what =
        file.empty() ? words_in(*place, "call") : file + " " + words_in(*place, "function");
    const std::string id = words_in(*place, "id");
    kept.places[fmt::format("{} {}", id, what)] = fmt::format("{} {}", id, words_in(*place, "where"));
  }
}

std::string span_words(double span_s) {
  return format_duration(std::llround(span_s * 1e9));
}

std::string executed(const KeptDiagnosis& kept) {
  if (kept.execution == "pool" || kept.execution == "workers")
    return fmt::format("{} of {}", kept.execution, kept.parallelism.value_or(0));
  return kept.execution;
}

std::string sure(const Shift& shift) {
  if (shift.p < 0.001) return "p < 0.001";
  return fmt::format("p = {:.{}f}", shift.p, shift.p < 0.1 ? 3 : 2);
}

void say_times(DiagnosisChange& change) {
  const Shift& shift = *change.shift;
  const std::string both = fmt::format("{} at once took {}, now {}", change.at_once,
                                       span_words(change.before_s), span_words(change.now_s));
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
  const json::object* object = problem ? nullptr : value.if_object();
  if (object == nullptr || words_in(*object, "schema") != "lab.diagnose/1")
    return usage_error("that is no diagnosis; give last, or a file of lab diagnose --format json");
  KeptDiagnosis kept;
  kept.saved = words_in(*object, "started");
  kept.execution = words_in(*object, "execution");
  if (const json::value* count = object->if_contains("parallelism"); count != nullptr && count->is_number())
    kept.parallelism = static_cast<int>(std::clamp(number_in_value(*count), 0.0, 1e6));
  if (const json::value* blocked = object->if_contains("loop_blocked");
      blocked != nullptr && blocked->is_bool())
    kept.loop_blocked = blocked->get_bool();
  read_rows(*object, kept);
  read_places(*object, kept);
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
