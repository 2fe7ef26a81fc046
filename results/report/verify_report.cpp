#include "results/report/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/render/wrap.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace {

/// `103 ms`, or `103 ms (101–104)` where the repetitions differ in what is printed.
std::string format_span(const Stat& stat, const Estimate& spread) {
  const Unit unit = unit_of(stat, spread.median);
  const std::string low = number(*spread.low, unit);
  const std::string high = number(*spread.high, unit);
  std::string text = quantity(spread.median, unit);
  if (low != high) text += fmt::format(" ({}–{})", low, high);
  return text;
}

std::string format_times(double times) {
  return times == 1 ? "" : fmt::format("{:g} × ", times);
}

/// What the measure is held against, as the file says it.
std::string format_limit(const Condition& condition) {
  if (condition.right) {
    const Measure& right = *condition.right;
    const Measure& left = condition.left;
    std::string text = format_times(condition.times);
    if (right.stat != left.stat || right.arm == left.arm) text += to_string(right.stat) + " of ";
    text += right.arm;
    if (right.scenario != left.scenario) text += " in " + right.scenario;
    if (right.case_id != left.case_id) text += ", " + right.case_id;
    return text;
  }
  if (!condition.param.empty()) return format_times(condition.times) + condition.param;
  const Stat& stat = condition.left.stat;
  if (stat.is_time()) return format_duration(to_nanos(*condition.value));
  return quantity(*condition.value, unit_of(stat, *condition.value));
}

std::string relation_words(const Condition& condition) {
  std::string text(to_string(condition.relation));
  if (condition.relation == Relation::about)
    text += fmt::format(" (±{:g} %)", std::round(condition.within * 100));
  return text;
}

std::string arm_words(const Measure& measure) {
  std::string text = measure.scenario + ", " + measure.arm;
  if (!measure.case_id.empty() && measure.case_id != "main") text += ", " + measure.case_id;
  return text;
}

std::string engine_word(const ConditionCheck& check) {
  if (check.recorded) return "FastAPI, recorded";
  return check.condition->left.engine == "fastapi" ? "FastAPI" : "C++";
}

std::string check_line(const ConditionCheck& check) {
  const Condition& condition = *check.condition;
  const Stat& stat = condition.left.stat;
  std::string text = arm_words(condition.left) + ": " + to_string(stat);
  if (check.measured) text += " " + format_span(stat, *check.measured);
  text += fmt::format("; {} {}", relation_words(condition), format_limit(condition));
  const bool plain = condition.value && (check.scale == 1 || !stat.is_time());
  if (check.limit && !plain)
    text += fmt::format(" = {}", quantity(check.limit->median, unit_of(stat, check.limit->median)));
  switch (check.truth) {
    case Truth::holds: text += ": holds"; break;
    case Truth::fails: text += ": does not hold"; break;
    case Truth::undecided: text += ": undecided, " + check.reason; break;
  }
  if (!condition.where.empty()) text = condition.where + ": " + text;
  return text + fmt::format(" [{}]", engine_word(check));
}

std::string lines(std::string_view text, const std::string& first, std::size_t indent,
                  const TextStyle& style) {
  return join(wrap(printable(text, style.ascii), printable(first, style.ascii), indent,
                   static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

/// `refuted   D2.9-async-0.03, part 9` and the claim itself.
std::string head(const Claim& claim, const std::string& finding, bool alarm, const TextStyle& style) {
  constexpr std::size_t kColumn = 13;
  const std::string name =
      fmt::format("{}, {}; {}", claim.id, claim.section, claim.about_fastapi ? "FastAPI" : "concurrency");
  std::string text = lines(name, pad(finding, kColumn), kColumn, style);
  if (style.color)
    text =
        fmt::format("\x1b[{}m{}\x1b[0m{}", alarm ? "1;38;5;166" : "1", finding, text.substr(finding.size()));
  return text + lines(claim.text, "  ", 2, style);
}

std::string document_heading(const ClaimsFile& file, const std::string& document, const TextStyle& style) {
  const auto found = std::find_if(file.documents.begin(), file.documents.end(),
                                  [&](const auto& one) { return one.first == document; });
  const std::string title = found == file.documents.end() ? "" : found->second;
  return lines(title, document + "  ", 4, style);
}

/// Calls `row` for each claim, under its document's heading; documents in the file's order.
template <class Items, class ClaimOf, class Row>
std::string grouped_by_document(const ClaimsFile& file, const Items& items, const TextStyle& style,
                                ClaimOf claim_of, Row row) {
  std::string text;
  for (const auto& [document, title] : file.documents) {
    std::string rows;
    for (const auto& item : items) {
      if (claim_of(item).document == document) rows += row(item);
    }
    if (rows.empty()) continue;
    text += (text.empty() ? "" : "\n") + document_heading(file, document, style) + rows;
  }
  return text;
}

std::string claim_rows(const ClaimCheck& check, const TextStyle& style, bool details) {
  const Claim& claim = *check.claim;
  const bool differs = !check.undecided() && !check.as_recorded();
  const bool recorded = check.as_recorded() && check.by_recording();
  std::string finding(recorded ? "recorded" : to_string(check.finding));
  if (differs) finding += "!";
  std::string text = head(claim, finding, differs || check.undecided(), style);
  if (differs) text += lines(fmt::format("on record: {}", to_string(claim.outcome)), "  DIFFERS ", 4, style);
  if (recorded)
    text += lines(fmt::format("{} by FastAPI as it ran elsewhere", to_string(check.finding)), "  ", 4, style);
  for (const ConditionCheck& one : check.checks) text += lines(check_line(one), "  ", 4, style);
  if (!details) return text;
  text += lines(claim.why, "  WHY ", 6, style);
  std::vector<std::string> commands;
  for (const std::string& name : claim.scenarios()) commands.push_back("lab run " + name);
  return text + lines(join(commands, ", "), "  SEE ", 6, style);
}

std::string sum_up(const VerifyResult& result, const TextStyle& style) {
  const std::size_t claims = result.claims.size();
  const std::string recorded =
      result.recorded() == 0 ? "" : fmt::format("{} recorded, not verified here; ", result.recorded());
  std::string sum = fmt::format(
      "{} claim{}: {} verified, {} refuted, {} qualified, as expected; {}{} differing, {} inconclusive",
      claims, claims == 1 ? "" : "s", result.count(ClaimFinding::verified),
      result.count(ClaimFinding::refuted), result.count(ClaimFinding::qualified), recorded,
      result.differing().size(), result.undecided().size());
  std::string text = "\n" + lines(sum, "", 4, style);
  if (result.interrupted) {
    text += lines(
        fmt::format("interrupted: {} of {} claims were decided, these", claims, claims + result.not_decided),
        "WARN ", 5, style);
  }
  std::vector<std::string> ids;
  for (const ClaimCheck* check : result.differing()) ids.push_back(check->claim->id);
  if (!ids.empty()) text += lines(join(ids, ", "), "differing: ", 4, style);
  ids.clear();
  for (const ClaimCheck* check : result.undecided()) ids.push_back(check->claim->id);
  if (!ids.empty()) text += lines(join(ids, ", "), "inconclusive: ", 4, style);
  for (const std::string& noise : result.noise) text += lines(noise, "WARN ", 5, style);
  return text + lines(fmt::format("{} run{} of {} repetitions at scale {:g} or what they need, {:.0f} s",
                                  result.times.size(), result.times.size() == 1 ? "" : "s",
                                  result.repetitions, result.scale, result.seconds),
                      "", 4, style);
}

}  // namespace

std::vector<const ClaimCheck*> VerifyResult::differing() const {
  std::vector<const ClaimCheck*> found;
  for (const ClaimCheck& check : claims) {
    if (!check.undecided() && !check.as_recorded()) found.push_back(&check);
  }
  return found;
}

std::vector<const ClaimCheck*> VerifyResult::undecided() const {
  std::vector<const ClaimCheck*> found;
  for (const ClaimCheck& check : claims) {
    if (check.undecided()) found.push_back(&check);
  }
  return found;
}

std::size_t VerifyResult::count(ClaimFinding finding) const {
  return static_cast<std::size_t>(std::count_if(claims.begin(), claims.end(), [&](const ClaimCheck& check) {
    return check.finding == finding && check.as_recorded() && !check.by_recording();
  }));
}

std::size_t VerifyResult::recorded() const {
  return static_cast<std::size_t>(std::count_if(claims.begin(), claims.end(), [](const ClaimCheck& check) {
    return check.as_recorded() && check.by_recording();
  }));
}

std::string describe(const Condition& condition) {
  return fmt::format("{}: {} {} {}", arm_words(condition.left), to_string(condition.left.stat),
                     relation_words(condition), format_limit(condition));
}

std::string verify_text(const ClaimsFile& file, const VerifyResult& result, const TextStyle& style,
                        bool details) {
  return grouped_by_document(
             file, result.claims, style, [](const ClaimCheck& check) -> const Claim& { return *check.claim; },
             [&](const ClaimCheck& check) { return claim_rows(check, style, details); }) +
         sum_up(result, style);
}

std::string list_text(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                      const TextStyle& style) {
  return grouped_by_document(
      file, claims, style, [](const Claim* claim) -> const Claim& { return *claim; },
      [&](const Claim* claim) {
        std::string text = head(*claim, std::string(to_string(claim->outcome)), false, style);
        for (const Condition* condition : claim->conditions()) {
          const bool exception = condition >= claim->exceptions.data() &&
                                 condition < claim->exceptions.data() + claim->exceptions.size();
          text += lines(describe(*condition), exception ? "  not " : "  by ", 6, style);
        }
        return text;
      });
}

namespace json = boost::json;

namespace {

json::object format_condition(const Condition& condition, bool exception) {
  return {{"text", json_text(describe(condition))},
          {"scenario", json_text(condition.left.scenario)},
          {"engine", json_text(condition.left.engine)},
          {"arm", json_text(condition.left.arm)},
          {"case", json_text(condition.left.case_id)},
          {"stat", json_text(to_string(condition.left.stat))},
          {"exception", exception}};
}

json::object format_claim(const Claim& claim) {
  return {{"id", json_text(claim.id)},           {"document", json_text(claim.document)},
          {"section", json_text(claim.section)}, {"about", claim.about_fastapi ? "fastapi" : "concurrency"},
          {"claim", json_text(claim.text)},      {"on_record", json::string(to_string(claim.outcome))},
          {"why", json_text(claim.why)}};
}

json::value format_spread(const std::optional<Estimate>& spread) {
  if (!spread) return nullptr;
  return json::object{{"median", spread->median}, {"low", *spread->low}, {"high", *spread->high}};
}

json::object format_check(const ConditionCheck& check, bool exception) {
  json::object object = format_condition(*check.condition, exception);
  object["measured"] = format_spread(check.measured);
  object["all"] = json::array(check.left.values.begin(), check.left.values.end());
  object["limit"] = format_spread(check.limit);
  object["scale"] = check.scale;
  object["recorded"] = check.recorded;
  object["holds"] =
      check.truth == Truth::undecided ? json::value(nullptr) : json::value(check.truth == Truth::holds);
  object["reason"] = json_text_or_null(check.reason);
  return object;
}

json::array ids(const std::vector<const ClaimCheck*>& checks) {
  json::array array;
  for (const ClaimCheck* check : checks) array.push_back(json_text(check->claim->id));
  return array;
}

json::array format_times(const VerifyResult& result) {
  json::array array;
  for (const BatchTime& time : result.times) {
    array.emplace_back(json::object{{"scenario", json_text(time.scenario)},
                                    {"engine", json_text(time.engine)},
                                    {"again", time.again},
                                    {"seconds", time.seconds}});
  }
  return array;
}

std::string document(const json::object& object) {
  return json::serialize(object) + "\n";
}

}  // namespace

std::string verify_json(const VerifyResult& result) {
  json::array claims;
  for (const ClaimCheck& check : result.claims) {
    json::object object = format_claim(*check.claim);
    object["outcome"] = json::string(to_string(check.finding));
    object["as_on_record"] = check.as_recorded();
    object["recorded"] = check.by_recording();
    json::array conditions;
    for (const ConditionCheck& one : check.checks)
      conditions.push_back(format_check(one, conditions.size() >= check.claim->tests.size()));
    object["conditions"] = std::move(conditions);
    claims.push_back(std::move(object));
  }
  json::array noise;
  for (const std::string& one : result.noise) noise.push_back(json_text(one));
  return document({{"schema", "lab.verify/1"},
                   {"complete", !result.interrupted},
                   {"scale", result.scale},
                   {"repetitions", result.repetitions},
                   {"runs", result.times.size()},
                   {"times", format_times(result)},
                   {"not_decided", result.not_decided},
                   {"seconds", result.seconds},
                   {"noise", std::move(noise)},
                   {"verified", result.count(ClaimFinding::verified)},
                   {"refuted", result.count(ClaimFinding::refuted)},
                   {"qualified", result.count(ClaimFinding::qualified)},
                   {"recorded", result.recorded()},
                   {"differing", ids(result.differing())},
                   {"inconclusive", ids(result.undecided())},
                   {"claims", std::move(claims)}});
}

std::string list_json(const std::vector<const Claim*>& claims) {
  json::array array;
  for (const Claim* claim : claims) {
    json::object object = format_claim(*claim);
    json::array conditions;
    for (const Condition* condition : claim->conditions())
      conditions.push_back(format_condition(*condition, conditions.size() >= claim->tests.size()));
    object["conditions"] = std::move(conditions);
    array.push_back(std::move(object));
  }
  return document({{"schema", "lab.claims/1"}, {"claims", std::move(array)}});
}

namespace {

/// Markdown's own signs in a cell.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '|' || letter == '*' || letter == '_' || letter == '<') safe += '\\';
    safe += letter == '\n' ? ' ' : letter;
  }
  return safe;
}

std::string tests_of(const Claim& claim) {
  std::vector<std::string> parts;
  for (const Condition& condition : claim.tests) parts.push_back(cell(describe(condition)));
  for (const Condition& condition : claim.exceptions) parts.push_back("but not " + cell(describe(condition)));
  return join(parts, "; ");
}

std::size_t count_of(const ClaimsFile& file, ClaimOutcome outcome) {
  return static_cast<std::size_t>(std::count_if(
      file.claims.begin(), file.claims.end(), [&](const Claim& claim) { return claim.outcome == outcome; }));
}

}  // namespace

std::string claims_page(const ClaimsFile& file) {
  const auto about_fastapi = std::count_if(file.claims.begin(), file.claims.end(),
                                           [](const Claim& claim) { return claim.about_fastapi; });
  std::set<std::string> scenarios;
  for (const Claim& claim : file.claims) {
    for (const std::string& name : claim.scenarios()) scenarios.insert(name);
  }
  std::string text = fmt::format(
      "# What the documents claim, and what a run says\n\n"
      "{} statements that can be tested: {} verified, {} refuted, {} qualified (true in one situation, not "
      "in "
      "another). {} are about\nFastAPI and decided by real FastAPI, the others by the lab's own servers; {} "
      "experiments test them. `lab verify` runs them all and\nends with exit code 1 where an outcome differs "
      "from "
      "this page; `lab verify --claim ID` shows one with its figures.\n\n"
      "Made from `results/claims.toml` by `lab verify --page`.\n",
      file.claims.size(), count_of(file, ClaimOutcome::verified), count_of(file, ClaimOutcome::refuted),
      count_of(file, ClaimOutcome::qualified), about_fastapi, scenarios.size());
  for (const auto& [document, title] : file.documents) {
    text += fmt::format(
        "\n## {}: {}\n\n| claim | where | about | outcome | tested by | why |\n|---|---|---|---|---|---|\n",
        document, title);
    for (const Claim& claim : file.claims) {
      if (claim.document != document) continue;
      text += fmt::format("| `{}` {} | {} | {} | **{}** | {} | {} |\n", claim.id, cell(claim.text),
                          cell(claim.section), claim.about_fastapi ? "FastAPI" : "concurrency",
                          to_string(claim.outcome), tests_of(claim), cell(claim.why));
    }
  }
  return text;
}

}  // namespace lab
