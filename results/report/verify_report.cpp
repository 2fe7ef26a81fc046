#include "results/report/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "lab/core/clock.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(BatchTime, (), (scenario, engine, again, seconds))

namespace json = boost::json;

namespace {

/// `103 ms`, or `103 ms (101–104)` where the repetitions differ in what is printed.
std::string format_span(const Stat& stat, const Estimate& spread) {
  const Unit unit = unit_of(stat, spread.median);
  const bool wide = number(*spread.low, unit) != number(*spread.high, unit);
  return quantity(spread.median, unit) + (wide ? fmt::format(" ({})", interval(spread, unit)) : "");
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
  if (stat.is_time()) return format_seconds(*condition.value);
  return quantity(*condition.value, stat);
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

/// Where its conditions are decided, each once.
std::vector<std::string> engines_of(const Claim& claim) {
  std::vector<std::string> engines;
  for (const Condition* condition : claim.conditions()) add_once(engines, condition->left.engine);
  return engines;
}

/// `FastAPI`, `C++`, `C++ and FastAPI`.
std::string engine_words(const Claim& claim) {
  return join(mapped(engines_of(claim), engine_name), " and ");
}

std::string engine_words(const ClaimCheck& check) {
  return engine_words(*check.claim) + (check.by_recording() ? ", recorded" : "");
}

std::string condition_line(const ConditionCheck& check) {
  const Condition& condition = *check.condition;
  const Stat& stat = condition.left.stat;
  std::string text = arm_words(condition.left) + ": " + to_string(stat);
  if (check.measured) text += " " + format_span(stat, *check.measured);
  text += fmt::format("; {} {}", relation_words(condition), format_limit(condition));
  const bool plain = condition.value && (check.scale == 1 || !stat.is_time());
  if (check.limit && !plain) text += fmt::format(" = {}", quantity(check.limit->median, stat));
  switch (check.truth) {
    case Truth::holds: text += ": holds"; break;
    case Truth::fails: text += ": does not hold"; break;
    case Truth::undecided: text += ": undecided, " + check.reason; break;
  }
  if (!condition.where.empty()) text = condition.where + ": " + text;
  return text +
         fmt::format(" [{}{}]", engine_name(condition.left.engine), check.recorded ? ", recorded" : "");
}

/// `refuted   D2.9-async-0.03, part 9` and the claim itself.
void add_head(const Claim& claim, const std::string& engines, std::string_view finding, bool alarm,
              Page& page) {
  constexpr std::size_t kColumn = 13;
  page.entry(finding, fmt::format("{}, {}; decided on {}", claim.id, claim.section, engines), alarm, kColumn);
  page.hanging("  ", claim.text, 2);
}

/// Calls `row` for the index of each claim, under its document's heading; documents in the file's order.
template <class Row>
void add_by_document(const ClaimsFile& file, const std::vector<const Claim*>& claims, Page& page, Row row) {
  for (const Document& document : file.documents) {
    bool first = true;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (claims[i]->document != document.id) continue;
      if (first) {
        page.blank();
        page.hanging(document.id + "  ", document.title, 4);
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
  add_head(claim, engine_words(check), finding + (differs ? "!" : ""), differs || check.undecided(), page);
  if (differs) page.hanging("  DIFFERS ", fmt::format("on record: {}", to_string(claim.outcome)), 4);
  if (recorded) page.hanging("  ", fmt::format("{} by a recording of FastAPI", to_string(check.finding)), 4);
  for (const ConditionCheck& one : check.checks) page.hanging("  ", condition_line(one), 4);
  if (!details) return;
  page.hanging("  WHY ", claim.why, 6);
  page.hanging("  SEE ", "lab run " + join(claim.scenarios(), ", lab run "), 6);
}

template <class Is>
std::vector<std::string> ids_where(const std::vector<ClaimCheck>& claims, Is is) {
  std::vector<std::string> ids;
  for (const ClaimCheck& check : claims) {
    if (std::invoke(is, check)) ids.push_back(check.claim->id);
  }
  return ids;
}

void add_sum(const VerifyResult& result, Page& page) {
  const std::size_t claims = result.claims.size();
  const std::string recorded =
      result.recorded() == 0 ? "" : fmt::format("{} decided by recordings, not here; ", result.recorded());
  page.raw("\n");
  page.hanging("",
               fmt::format("{}: {} verified, {} refuted, {} qualified, as expected; {}{} differing, {} "
                           "inconclusive",
                           plural(std::ssize(result.claims), "claim"), result.count(ClaimFinding::verified),
                           result.count(ClaimFinding::refuted), result.count(ClaimFinding::qualified),
                           recorded, result.differing().size(), result.undecided().size()),
               4);
  if (result.interrupted) {
    page.hanging("WARN ",
                 fmt::format("interrupted: only these {} of {} claims were decided", claims,
                             claims + result.not_decided),
                 5);
  }
  for (const auto& [first, ids] :
       {std::pair{"differing: ", result.differing()}, std::pair{"inconclusive: ", result.undecided()}}) {
    if (!ids.empty()) page.hanging(first, join(ids, ", "), 4);
  }
  for (const std::string& noise : result.noise) page.hanging("WARN ", noise, 5);
  page.hanging(
      "",
      fmt::format("{} of {} repetitions, at scale {:g} or the scale that they need, {:.0f} s",
                  plural(std::ssize(result.times), "run"), result.repetitions, result.scale, result.seconds),
      4);
}

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
  return {{"engines", as_json(engines_of(claim))},
          {"id", as_json(claim.id)},
          {"document", as_json(claim.document)},
          {"section", as_json(claim.section)},
          {"about", claim.about_fastapi ? "fastapi" : "concurrency"},
          {"claim", as_json(claim.text)},
          {"on_record", as_json(claim.outcome)},
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

std::string tests_of(const Claim& claim) {
  std::vector<std::string> parts;
  for (const Condition& condition : claim.tests) parts.push_back(describe(condition));
  for (const Condition& condition : claim.exceptions) parts.push_back("but not " + describe(condition));
  return join(parts, "; ");
}

std::size_t count_of(const ClaimsFile& file, ClaimOutcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(file.claims, outcome, &Claim::outcome));
}

/// A row for each claim: what was found, where, and each condition with its figures.
Table findings_table(const VerifyResult& result) {
  Table table = note_table(
      {"claim", "document", "section", "statement", "decided on", "found", "on record", "figures"});
  for (const ClaimCheck& check : result.claims) {
    const Claim& claim = *check.claim;
    table.rows.push_back({{claim.id, claim.document, claim.section, claim.text, engine_words(check),
                           std::string(to_string(check.finding)), std::string(to_string(claim.outcome)),
                           join(mapped(check.checks, condition_line), "; ")}});
  }
  return table;
}

std::vector<std::string> scenarios_of(const ClaimsFile& file, const std::string& document) {
  std::set<std::string> names;
  for (const Claim& claim : file.claims) {
    for (const std::string& name : claim.scenarios())
      if (document.empty() || claim.document == document) names.insert(name);
  }
  for (const LogRow& row : file.log)
    if (row.document == document) names.insert(row.measure.scenario);
  return {names.begin(), names.end()};
}

template <class Items>
std::size_t count_in(const Items& items, const std::string& document) {
  return static_cast<std::size_t>(std::ranges::count(items, document, &Items::value_type::document));
}

}  // namespace

std::vector<std::string> VerifyResult::differing() const {
  return ids_where(claims,
                   [](const ClaimCheck& check) { return !check.undecided() && !check.as_recorded(); });
}

std::vector<std::string> VerifyResult::undecided() const {
  return ids_where(claims, &ClaimCheck::undecided);
}

std::size_t VerifyResult::count(ClaimFinding finding) const {
  return static_cast<std::size_t>(std::ranges::count_if(claims, [&](const ClaimCheck& check) {
    return check.finding == finding && check.as_recorded() && !check.by_recording();
  }));
}

std::size_t VerifyResult::recorded() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      claims, [](const ClaimCheck& check) { return check.as_recorded() && check.by_recording(); }));
}

std::string describe(const Condition& condition) {
  return fmt::format("{}: {} {} {}", arm_words(condition.left), to_string(condition.left.stat),
                     relation_words(condition), format_limit(condition));
}

std::string verify_text(const ClaimsFile& file, const VerifyResult& result, const TextStyle& style,
                        bool details) {
  Page page(style, 1);
  add_by_document(file, mapped(result.claims, &ClaimCheck::claim), page,
                  [&](std::size_t i) { add_claim(result.claims[i], details, page); });
  add_sum(result, page);
  return page.take();
}

std::string list_text(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                      const TextStyle& style) {
  Page page(style, 1);
  add_by_document(file, claims, page, [&](std::size_t i) {
    add_head(*claims[i], engine_words(*claims[i]), to_string(claims[i]->outcome), false, page);
    for (const Condition& condition : claims[i]->tests) page.hanging("  by ", describe(condition), 6);
    for (const Condition& condition : claims[i]->exceptions) page.hanging("  not ", describe(condition), 6);
  });
  return page.take();
}

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
                    {"differing", as_json(result.differing())},
                    {"inconclusive", as_json(result.undecided())},
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
  return json_line({{"schema", "lab.claims/1"}, {"claims", std::move(array)}});
}

std::string verify_csv(const VerifyResult& result) {
  return csv_table(findings_table(result));
}

std::string verify_markdown(const VerifyResult& result) {
  return markdown_table(findings_table(result));
}

std::string claims_page(const ClaimsFile& file) {
  std::string text = fmt::format(
      "# What the documents claim, and what runs show\n\n"
      "{} statements that can be tested: {} verified, {} refuted, {} qualified (true in one situation, not "
      "in another). Those\n"
      "about FastAPI are decided on real FastAPI, the others by the lab's own servers in C++; {} "
      "experiments test them.\n"
      "`lab verify` runs them all and ends with exit code 1 where an outcome differs from this page; `lab "
      "verify --claim ID`\n"
      "shows one with its figures. Those about database drivers ask for `lab verify --postgres local`.\n\n"
      "Made from `results/claims.toml` by `lab verify --page`.\n",
      file.claims.size(), count_of(file, ClaimOutcome::verified), count_of(file, ClaimOutcome::refuted),
      count_of(file, ClaimOutcome::qualified), scenarios_of(file, "").size());
  for (const Document& document : file.documents) {
    Table table = note_table({"claim", "where", "statement", "outcome", "decided on", "tested by", "why"});
    for (const Claim& claim : file.claims) {
      if (claim.document != document.id) continue;
      table.rows.push_back({{claim.id, claim.section, claim.text, std::string(to_string(claim.outcome)),
                             engine_words(claim), tests_of(claim), claim.why}});
    }
    text += fmt::format("\n## {}: {}\n\n{}", document.id, document.title, markdown_table(table));
  }
  return text;
}

Table documents_table(const ClaimsFile& file) {
  Table table = note_table({"document", "title", "contributes", "claims", "timings", "experiments"});
  for (const Document& document : file.documents) {
    table.rows.push_back(
        {{document.id, document.title, document.contributes,
          std::to_string(count_in(file.claims, document.id)), std::to_string(count_in(file.log, document.id)),
          join(scenarios_of(file, document.id), ", ")}});
  }
  return table;
}

std::string documents_text(const ClaimsFile& file, const TextStyle& style) {
  Page page(style);
  for (const TableRow& row : documents_table(file).rows) {
    page.blank();
    page.hanging(row.cells[0] + "  ", row.cells[1], 4);
    page.hanging("    ", row.cells[2], 4);
    page.hanging(
        "    ",
        fmt::format("{} claims: {}", row.cells[3], as_called("lab verify --document " + row.cells[0])), 4);
    page.hanging("    ",
                 fmt::format("{} timings: {}", row.cells[4], as_called("lab log --document " + row.cells[0])),
                 4);
    page.hanging("    ", "shown by " + row.cells[5], 4);
  }
  return page.take();
}

std::string documents_json(const ClaimsFile& file) {
  json::array documents;
  for (const Document& document : file.documents) {
    documents.push_back({{"document", as_json(document.id)},
                         {"title", as_json(document.title)},
                         {"contributes", as_json(document.contributes)},
                         {"claims", count_in(file.claims, document.id)},
                         {"timings", count_in(file.log, document.id)},
                         {"scenarios", as_json(scenarios_of(file, document.id))}});
  }
  return json_line({{"schema", "lab.documents/1"}, {"documents", std::move(documents)}});
}

}  // namespace lab
