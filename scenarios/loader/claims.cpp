#include "scenarios/loader/claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "lab/core/paths.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxClaims = 1'000;
constexpr std::size_t kMaxConditions = 8;
constexpr double kMaxTimes = 1e6;
constexpr double kWholePercent = 100;
const std::vector<std::string> kEngines{"native", "fastapi"};
const std::vector<std::string> kRelations{kRelationWords.begin(), kRelationWords.end()};
const std::vector<std::string> kOutcomes{kOutcomeWords.begin(), kOutcomeWords.end()};
const std::vector<std::string> kAbout{"concurrency", "fastapi"};

std::string place_of(const std::string& file, const toml::source_region& where) {
  return fmt::format("{}:{}:{}", file, where.begin.line, where.begin.column);
}

/// A text that must be there and must not be empty.
std::string needed_text(const TableReader& table, std::string_view key, std::string_view example) {
  if (table.need(key, example) == nullptr) return "";
  std::string text = table.text(key);
  if (text.empty()) table.problem(key, fmt::format("{} of {} is empty", key, table.what()));
  return text;
}

std::size_t needed_word(Draft& draft, const TableReader& table, std::string_view key,
                        const std::vector<std::string>& known) {
  const toml::node* node = table.need(key, fmt::format("{} = \"{}\"", key, known.front()));
  return node == nullptr ? 0 : read_known(draft, *node, key, known);
}

/// A number above zero: whole or not.
double read_factor(Draft& draft, const TableReader& table, std::string_view key) {
  const toml::node* node = table.find(key);
  if (node == nullptr) return 1;
  const std::optional<double> number = node->is_number() ? node->value<double>() : std::nullopt;
  if (number && *number > 0 && *number <= kMaxTimes) return *number;
  draft.problems.at(node->source(),
                    fmt::format("{} of {} must be a number above 0, not {}", key, table.what(),
                                number ? fmt::format("{}", *number) : std::string(kind_of(*node))));
  return 1;
}

double read_percent(Draft& draft, const TableReader& table, std::string_view key) {
  const std::string text = table.text(key);
  double percent = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, percent);
  const bool good = problem == std::errc() && stop + 1 == end && *stop == '%';
  if (!good || !(percent > 0 && percent < kWholePercent)) {
    draft.problems.at(table.where(key), fmt::format("{} {} must be above 0% and below 100%, such as \"20%\"",
                                                    key, in_quotes(text)));
  }
  return percent / 100;
}

/// The keys that name a measure; what is not said is as in `otherwise`.
Measure read_measure(Draft& draft, const TableReader& table, const Measure& otherwise) {
  Measure measure = otherwise;
  if (table.has("scenario")) {
    measure.scenario = table.text("scenario");
    measure.case_id.clear();
  }
  if (table.has("arm")) measure.arm = table.text("arm");
  if (table.has("case")) measure.case_id = table.text("case");
  if (const toml::node* engine = table.find("engine"))
    measure.engine = kEngines[read_known(draft, *engine, "engine", kEngines)];
  if (table.has("stat")) {
    const Result<Stat> stat = parse_stat(table.text("stat"));
    if (stat) {
      measure.stat = *stat;
    } else {
      table.problem("stat", stat.error().message);
    }
  }
  return measure;
}

/// `of = "$d"` or `of = { arm = "async-loop" }`.
void read_right(Draft& draft, const TableReader& table, Condition& condition) {
  const toml::node& node = *table.find("of");
  if (const toml::table* other = node.as_table()) {
    const TableReader reader(draft.problems, *other, "of", {"scenario", "arm", "case", "stat", "engine"});
    condition.right = read_measure(draft, reader, condition.left);
    return;
  }
  const std::string text = read_text(draft.problems, node, "of (a parameter such as \"$d\" or a table)");
  if (draft.problems.any()) return;
  if (!text.starts_with('$') || text.size() < 2) {
    draft.problems.at(node.source(), fmt::format("of {} is no parameter; write of = \"$d\", of = {{ arm = "
                                                 "\"async-loop\" }} or value = \"0.1s\"",
                                                 in_quotes(text)));
  }
  condition.param = text.substr(1);
}

void read_demand(Draft& draft, const TableReader& table, Condition& condition) {
  condition.relation = static_cast<Relation>(needed_word(draft, table, "is", kRelations));
  if (table.has("value") == table.has("of")) {
    table.problem("is",
                  "a condition compares with one thing: value = \"0.1s\", of = \"$d\" or of = { arm = … }");
    return;
  }
  if (table.has("times") && !table.has("of"))
    table.problem("times", "times multiplies what 'of' names; write the product as value");
  if (table.has("within") != (condition.relation == Relation::about))
    table.problem("within", "is = \"about\" needs within, such as within = \"20%\"; the others take none");
  if (draft.problems.any()) return;
  condition.times = read_factor(draft, table, "times");
  if (table.has("within")) condition.within = read_percent(draft, table, "within");
  if (table.has("of")) {
    read_right(draft, table, condition);
    if (!draft.problems.any() && !condition.param.empty() && !condition.left.stat.is_time())
      table.problem("of", fmt::format("{} is no time, so it has no parameter to be held against",
                                      to_string(condition.left.stat)));
    return;
  }
  const toml::node& value = *table.find("value");
  if (value.is_string() && value.value_or(std::string_view{}).starts_with('$')) {
    table.problem("value", "a parameter is named by of: of = \"$d\"");
    return;
  }
  condition.value = read_value(draft, value, condition.left.stat, "value", Scaling::fixed);
}

std::vector<Condition> read_conditions(Draft& draft, const TableReader& claim, std::string_view key,
                                       const Measure& otherwise, const std::string& file) {
  std::vector<Condition> conditions;
  const toml::node* node = claim.find(key);
  if (node == nullptr) return conditions;
  for (const toml::table* table : read_tables(draft.problems, *node, key, kMaxConditions)) {
    const TableReader reader(
        draft.problems, *table, "a condition of " + claim.what(),
        {"scenario", "arm", "case", "stat", "engine", "is", "value", "times", "of", "within", "where"});
    Condition condition;
    condition.place = place_of(file, table->source());
    reader.need("arm", "arm = \"async-loop\"");
    reader.need("stat", "stat = \"makespan\"");
    if (draft.problems.any()) return conditions;
    condition.left = read_measure(draft, reader, otherwise);
    condition.where = reader.text("where");
    read_demand(draft, reader, condition);
    if (draft.problems.any()) return conditions;
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

Claim read_claim(Draft& draft, const toml::table& table, const ClaimsFile& known, const std::string& file) {
  Claim claim;
  const std::string id = table["id"].value_or(std::string());
  const TableReader reader(draft.problems, table, id.empty() ? "a claim" : "claim " + in_quotes(id),
                           {"id", "document", "section", "about", "claim", "scenario", "engine", "test",
                            "except", "outcome", "why"});
  claim.id = needed_text(reader, "id", "id = \"D2.9-async-0.03\"");
  claim.section = needed_text(reader, "section", "section = \"part 9\"");
  claim.text = needed_text(reader, "claim", "claim = \"…\"");
  claim.why = needed_text(reader, "why", "why = \"…\"");
  std::vector<std::string> documents;
  for (const auto& [document, title] : known.documents) documents.push_back(document);
  if (documents.empty()) draft.problems.at(table.source(), "the file names no documents: add [documents]");
  if (draft.problems.any()) return claim;
  claim.document = documents[needed_word(draft, reader, "document", documents)];
  claim.about_fastapi = needed_word(draft, reader, "about", kAbout) == 1;
  claim.outcome = static_cast<ClaimOutcome>(needed_word(draft, reader, "outcome", kOutcomes));
  reader.need("test",
              "test = [{ arm = \"async-loop\", stat = \"makespan\", is = \"about\", of = \"$d\", … }]");

  Measure measure;
  measure.scenario = needed_text(reader, "scenario", "scenario = \"blocking-async\"");
  measure.engine = claim.about_fastapi ? "fastapi" : "native";
  if (const toml::node* engine = reader.find("engine"))
    measure.engine = kEngines[read_known(draft, *engine, "engine", kEngines)];
  if (draft.problems.any()) return claim;
  claim.tests = read_conditions(draft, reader, "test", measure, file);
  claim.exceptions = read_conditions(draft, reader, "except", measure, file);
  if (draft.problems.any()) return claim;
  if (claim.exceptions.empty() == (claim.outcome == ClaimOutcome::qualified)) {
    reader.problem("outcome", "a qualified claim, and no other, has conditions under 'except' that fail");
  }
  for (const Condition* condition : claim.conditions()) {
    const bool foreign =
        condition->left.engine != "fastapi" || (condition->right && condition->right->engine != "fastapi");
    if (claim.about_fastapi && foreign)
      reader.problem("about", "a claim about FastAPI is decided by real FastAPI: engine = \"fastapi\"");
  }
  return claim;
}

void read_runs(Draft& draft, const TableReader& file, ClaimsFile& claims) {
  const toml::node* node = file.find("runs");
  if (node == nullptr) return;
  const toml::table* runs = node->as_table();
  if (runs == nullptr) return file.problem("runs", "runs must be tables, [runs.SCENARIO]");
  for (const auto& [key, value] : in_file_order(*runs)) {
    const toml::table* table = value->as_table();
    if (table == nullptr) {
      draft.problems.at(value->source(), "each entry of runs must be a table");
      return;
    }
    const TableReader reader(draft.problems, *table, "runs." + std::string(key->str()),
                             {"least_scale", "cores"});
    RunNeeds needs;
    if (reader.has("least_scale")) needs.least_scale = read_factor(draft, reader, "least_scale");
    needs.cores = static_cast<int>(reader.integer("cores", 1, kMaxCores, 0));
    claims.runs.emplace(std::string(key->str()), needs);
  }
}

void read_documents(Draft& draft, const TableReader& file, ClaimsFile& claims) {
  const toml::node* node = file.need("documents", "[documents] with D0 = \"its title\"");
  if (node == nullptr) return;
  if (!node->is_table()) return file.problem("documents", "documents must be a table, [documents]");
  for (const auto& [key, value] : in_file_order(*node->as_table()))
    claims.documents.emplace_back(std::string(key->str()), read_text(draft.problems, *value, "a title"));
}

/// What a measure speaks of must be there; its case is filled in where the scenario has but one.
Result<void> settle_measure(Measure& measure, const Scenario& scenario, const std::string& place) {
  const std::vector<std::string> arms = ids_of(scenario.arms);
  // On FastAPI an arm stands for several servers: `async-loop@uvloop`.
  const bool variant =
      measure.engine == "fastapi" && (measure.arm.ends_with("@uvloop") || measure.arm.ends_with("@gunicorn"));
  measure.written = variant ? split(measure.arm, '@').front() : measure.arm;
  const auto arm = std::find(arms.begin(), arms.end(), measure.written);
  if (arm == arms.end()) {
    return usage_error("{}: scenario {} has no arm {}{}", place, scenario.name, in_quotes(measure.arm),
                       suggestion(measure.arm, arms));
  }
  if (scenario.arms[static_cast<std::size_t>(arm - arms.begin())].predict_only) {
    return usage_error("{}: arm {} of {} is only predicted; a claim is decided by what was measured", place,
                       in_quotes(measure.arm), scenario.name);
  }
  const std::vector<std::string> cases = ids_of(scenario.cases);
  if (measure.case_id.empty()) {
    if (cases.size() > 1) {
      return usage_error("{}: scenario {} has several cases; add case = \"{}\", one of {}", place,
                         scenario.name, cases.front(), join(cases, ", "));
    }
    measure.case_id = cases.front();
  } else if (!contains(cases, measure.case_id)) {
    return usage_error("{}: scenario {} has no case {}{}", place, scenario.name, in_quotes(measure.case_id),
                       suggestion(measure.case_id, cases));
  }
  const std::vector<std::string> routes = ids_of(scenario.routes);
  const std::string& route = measure.stat.route;
  if (!route.empty() && !contains(routes, route)) {
    return usage_error("{}: stat '{}' names the unknown route {}{}", place, to_string(measure.stat),
                       in_quotes(route), suggestion(route, routes));
  }
  return {};
}

/// Scenarios that were loaded once.
class Shelf {
 public:
  explicit Shelf(std::span<const Traits> modes) : modes_(modes) {}

  Result<const Scenario*> get(const std::string& name, const std::string& place) {
    const auto known = scenarios_.find(name);
    if (known != scenarios_.end()) return &known->second;
    Result<Scenario> scenario = load_scenario(name, modes_);
    if (!scenario) return Error{scenario.error().kind, place + ": " + scenario.error().message};
    return &scenarios_.emplace(name, std::move(*scenario)).first->second;
  }

 private:
  std::span<const Traits> modes_;
  std::map<std::string, Scenario> scenarios_;
};

Result<void> settle_condition(Condition& condition, Shelf& shelf) {
  const Result<const Scenario*> left = shelf.get(condition.left.scenario, condition.place);
  if (!left) return left.error();
  if (auto settled = settle_measure(condition.left, **left, condition.place); !settled) return settled;
  if (condition.right) {
    const Result<const Scenario*> right = shelf.get(condition.right->scenario, condition.place);
    if (!right) return right.error();
    return settle_measure(*condition.right, **right, condition.place);
  }
  const auto& params = (*left)->params;
  if (!condition.param.empty() && params.find(condition.param) == params.end()) {
    std::vector<std::string> names;
    for (const auto& [name, value] : params) names.push_back(name);
    return usage_error("{}: scenario {} has no parameter {}{}", condition.place, condition.left.scenario,
                       in_quotes("$" + condition.param), suggestion(condition.param, names));
  }
  return {};
}

}  // namespace

Result<ClaimsFile> parse_claims(std::string_view toml, const std::string& file) {
  const Overrides unchanged;
  Draft draft(file, {}, unchanged);
  ClaimsFile claims;
  const std::optional<toml::table> root = parse_toml(toml, draft.problems);
  if (draft.problems.any()) return draft.problems.first();
  const TableReader reader(draft.problems, *root, "the file", {"documents", "runs", "claims"});
  read_documents(draft, reader, claims);
  read_runs(draft, reader, claims);
  const toml::node* node = reader.need("claims", "[[claims]]");
  if (draft.problems.any()) return draft.problems.first();
  for (const toml::table* table : read_tables(draft.problems, *node, "claims", kMaxClaims)) {
    Claim claim = read_claim(draft, *table, claims, file);
    const bool again = std::any_of(claims.claims.begin(), claims.claims.end(),
                                   [&](const Claim& other) { return other.id == claim.id; });
    if (again)
      draft.problems.at(table->source(), fmt::format("two claims have the id {}", in_quotes(claim.id)));
    if (draft.problems.any()) return draft.problems.first();
    claims.claims.push_back(std::move(claim));
  }
  if (draft.problems.any()) return draft.problems.first();
  return claims;
}

Result<ClaimsFile> load_claims(const std::optional<std::filesystem::path>& path) {
  std::filesystem::path file = installed_share() / "claims.toml";
  if (const auto root = checkout_root()) file = *root / "results" / "claims.toml";
  if (path) file = *path;
  const Result<std::string> text = read_toml_file(file);
  if (!text) return text.error();
  return parse_claims(*text, file.string());
}

Result<void> settle_claims(ClaimsFile& file, std::span<const Traits> modes) {
  Shelf shelf(modes);
  for (Claim& claim : file.claims) {
    for (std::vector<Condition>* conditions : {&claim.tests, &claim.exceptions}) {
      for (Condition& condition : *conditions) {
        if (auto settled = settle_condition(condition, shelf); !settled) return settled;
      }
    }
  }
  for (const auto& [name, needs] : file.runs) {
    if (auto known = shelf.get(name, "runs." + name); !known) return known.error();
  }
  return {};
}

}  // namespace lab
