#include "results/report/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(BatchTime, (), (scenario, engine, again, seconds))

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

/// `refuted   D2.9-async-0.03, part 9` and the claim itself.
void add_head(const Claim& claim, std::string_view finding, bool alarm, Page& page) {
  constexpr std::size_t kColumn = 13;
  page.entry(
      finding,
      fmt::format("{}, {}; {}", claim.id, claim.section, claim.about_fastapi ? "FastAPI" : "concurrency"),
      alarm, kColumn);
  page.hanging("  ", claim.text, 2);
}

/// Calls `row` for the index of each claim, under its document's heading; documents in the file's order.
template <class Row>
void add_by_document(const ClaimsFile& file, const std::vector<const Claim*>& claims, Page& page, Row row) {
  for (const auto& [document, title] : file.documents) {
    bool first = true;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (claims[i]->document != document) continue;
      if (first) {
        page.blank();
        page.hanging(document + "  ", title, 4);
      }
      first = false;
      row(i);
    }
  }
}

void add_claim(const ClaimCheck& check, bool details, Page& page) {
  const Claim& claim = *check.claim;
  const bool differs = !check.undecided() && !check.as_recorded();
  const bool recorded = check.as_recorded() && check.by_recording();
  const std::string finding(recorded ? "recorded" : to_string(check.finding));
  add_head(claim, finding + (differs ? "!" : ""), differs || check.undecided(), page);
  if (differs) page.hanging("  DIFFERS ", fmt::format("on record: {}", to_string(claim.outcome)), 4);
  if (recorded)
    page.hanging("  ", fmt::format("{} by FastAPI as it ran elsewhere", to_string(check.finding)), 4);
  for (const ConditionCheck& one : check.checks) page.hanging("  ", check_line(one), 4);
  if (!details) return;
  page.hanging("  WHY ", claim.why, 6);
  page.hanging("  SEE ", "lab run " + join(claim.scenarios(), ", lab run "), 6);
}

template <class Is>
std::vector<const ClaimCheck*> select(const std::vector<ClaimCheck>& claims, Is is) {
  std::vector<const ClaimCheck*> found;
  for (const ClaimCheck& check : claims) {
    if (is(check)) found.push_back(&check);
  }
  return found;
}

std::vector<std::string> ids_of(const std::vector<const ClaimCheck*>& checks) {
  std::vector<std::string> ids;
  for (const ClaimCheck* check : checks) ids.push_back(check->claim->id);
  return ids;
}

const char* plural_of(std::size_t count) {
  return count == 1 ? "" : "s";
}

void add_sum(const VerifyResult& result, Page& page) {
  const std::size_t claims = result.claims.size();
  const std::string recorded =
      result.recorded() == 0 ? "" : fmt::format("{} recorded, not verified here; ", result.recorded());
  page.raw("\n");
  page.hanging(
      "",
      fmt::format("{} claim{}: {} verified, {} refuted, {} qualified, as expected; {}{} differing, {} "
                  "inconclusive",
                  claims, plural_of(claims), result.count(ClaimFinding::verified),
                  result.count(ClaimFinding::refuted), result.count(ClaimFinding::qualified), recorded,
                  result.differing().size(), result.undecided().size()),
      4);
  if (result.interrupted) {
    page.hanging(
        "WARN ",
        fmt::format("interrupted: {} of {} claims were decided, these", claims, claims + result.not_decided),
        5);
  }
  for (const auto& [first, checks] :
       {std::pair{"differing: ", result.differing()}, std::pair{"inconclusive: ", result.undecided()}}) {
    if (!checks.empty()) page.hanging(first, join(ids_of(checks), ", "), 4);
  }
  for (const std::string& noise : result.noise) page.hanging("WARN ", noise, 5);
  page.hanging(
      "",
      fmt::format("{} run{} of {} repetitions at scale {:g} or what they need, {:.0f} s", result.times.size(),
                  plural_of(result.times.size()), result.repetitions, result.scale, result.seconds),
      4);
}

}  // namespace

std::vector<const ClaimCheck*> VerifyResult::differing() const {
  return select(claims, [](const ClaimCheck& check) { return !check.undecided() && !check.as_recorded(); });
}

std::vector<const ClaimCheck*> VerifyResult::undecided() const {
  return select(claims, [](const ClaimCheck& check) { return check.undecided(); });
}

std::size_t VerifyResult::count(ClaimFinding finding) const {
  return select(claims,
                [&](const ClaimCheck& check) {
                  return check.finding == finding && check.as_recorded() && !check.by_recording();
                })
      .size();
}

std::size_t VerifyResult::recorded() const {
  return select(claims, [](const ClaimCheck& check) { return check.as_recorded() && check.by_recording(); })
      .size();
}

std::string describe(const Condition& condition) {
  return fmt::format("{}: {} {} {}", arm_words(condition.left), to_string(condition.left.stat),
                     relation_words(condition), format_limit(condition));
}

std::string verify_text(const ClaimsFile& file, const VerifyResult& result, const TextStyle& style,
                        bool details) {
  Page page(style, 1);
  std::vector<const Claim*> claims;
  for (const ClaimCheck& check : result.claims) claims.push_back(check.claim);
  add_by_document(file, claims, page, [&](std::size_t i) { add_claim(result.claims[i], details, page); });
  add_sum(result, page);
  return page.take();
}

std::string list_text(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                      const TextStyle& style) {
  Page page(style, 1);
  add_by_document(file, claims, page, [&](std::size_t i) {
    add_head(*claims[i], to_string(claims[i]->outcome), false, page);
    for (const Condition& condition : claims[i]->tests) page.hanging("  by ", describe(condition), 6);
    for (const Condition& condition : claims[i]->exceptions) page.hanging("  not ", describe(condition), 6);
  });
  return page.take();
}

namespace json = boost::json;

namespace {

json::object format_condition(const Condition& condition, bool exception) {
  return {{"text", as_json(describe(condition))},
          {"scenario", as_json(condition.left.scenario)},
          {"engine", as_json(condition.left.engine)},
          {"arm", as_json(condition.left.arm)},
          {"case", as_json(condition.left.case_id)},
          {"stat", as_json(condition.left.stat)},
          {"exception", exception}};
}

json::object format_claim(const Claim& claim) {
  return {{"id", as_json(claim.id)},           {"document", as_json(claim.document)},
          {"section", as_json(claim.section)}, {"about", claim.about_fastapi ? "fastapi" : "concurrency"},
          {"claim", as_json(claim.text)},      {"on_record", as_json(claim.outcome)},
          {"why", as_json(claim.why)}};
}

json::value format_spread(const std::optional<Estimate>& spread) {
  if (!spread) return nullptr;
  return {{"median", spread->median}, {"low", *spread->low}, {"high", *spread->high}};
}

json::object format_check(const ConditionCheck& check, bool exception) {
  json::object object = format_condition(*check.condition, exception);
  object["measured"] = format_spread(check.measured);
  object["all"] = as_json(check.left.values);
  object["limit"] = format_spread(check.limit);
  object["scale"] = check.scale;
  object["recorded"] = check.recorded;
  object["holds"] =
      check.truth == Truth::undecided ? json::value(nullptr) : json::value(check.truth == Truth::holds);
  object["reason"] = json_text_or_null(check.reason);
  return object;
}

}  // namespace

std::string verify_json(const VerifyResult& result) {
  json::array claims;
  for (const ClaimCheck& check : result.claims) {
    json::object object = format_claim(*check.claim);
    object["outcome"] = as_json(check.finding);
    object["as_on_record"] = check.as_recorded();
    object["recorded"] = check.by_recording();
    json::array conditions;
    for (const ConditionCheck& one : check.checks)
      conditions.push_back(format_check(one, conditions.size() >= check.claim->tests.size()));
    object["conditions"] = std::move(conditions);
    claims.push_back(std::move(object));
  }
  return json_line({{"schema", "lab.verify/1"},
                    {"complete", !result.interrupted},
                    {"scale", result.scale},
                    {"repetitions", result.repetitions},
                    {"runs", result.times.size()},
                    {"times", as_json(result.times)},
                    {"not_decided", result.not_decided},
                    {"seconds", result.seconds},
                    {"noise", as_json(result.noise)},
                    {"verified", result.count(ClaimFinding::verified)},
                    {"refuted", result.count(ClaimFinding::refuted)},
                    {"qualified", result.count(ClaimFinding::qualified)},
                    {"recorded", result.recorded()},
                    {"differing", as_json(ids_of(result.differing()))},
                    {"inconclusive", as_json(ids_of(result.undecided()))},
                    {"claims", std::move(claims)}});
}

std::string list_json(const std::vector<const Claim*>& claims) {
  json::array array;
  for (const Claim* claim : claims) {
    json::object object = format_claim(*claim);
    json::array conditions;
    for (const Condition& condition : claim->tests) conditions.push_back(format_condition(condition, false));
    for (const Condition& condition : claim->exceptions)
      conditions.push_back(format_condition(condition, true));
    object["conditions"] = std::move(conditions);
    array.push_back(std::move(object));
  }
  return json_line({{"schema", "lab.claims/1"}, {"claims", std::move(array)}});
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
