#include <algorithm>
#include <limits>
#include <map>

#include "lab/core/clock.hpp"
#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxClaims = 1'000;
constexpr std::size_t kMaxConditions = 8;
constexpr double kMaxTimes = 1e6;
constexpr std::int64_t kMaxLogRequests = 1'000'000;
constexpr double kWholePercent = 100;
const std::vector<std::string> kEngines{"native", "fastapi"};

/// A text that must not be empty.
Read into_words(std::string& member) {
  return [&member](const Value& value) {
    member = value.text();
    if (member.empty()) value.problem("{} is empty", value.name());
  };
}

/// A number above zero: whole or not.
Read into_factor(double& member) {
  return [&member](const Value& value) {
    const std::optional<double> number = value.number(std::numeric_limits<double>::lowest(), kMaxTimes);
    if (number && *number > 0) {
      member = *number;
      return;
    }
    value.problem(
        "{} must be a number above 0, not {}", value.name(),
        value->is_number() ? fmt::format("{}", *value->value<double>()) : std::string(kind_of(*value)));
  };
}

/// The keys that name a measure; what is not said stays.
Read into_scenario(Measure& measure) {
  return [&measure](const Value& value) {
    measure.scenario = value.text();
    measure.case_id.clear();
  };
}

Read into_stat(Stat& member) {
  return [&member](const Value& value) { member = value.checked(parse_stat(value.text())); };
}

/// `of = "$d"` or `of = { arm = "async-loop" }`.
void read_right(const Value& value, Condition& condition) {
  if (value->is_table()) {
    Measure& other = condition.right.emplace(condition.left);
    value.table("", "of",
                {{"scenario", into_scenario(other)},
                 {"arm", into(other.arm)},
                 {"case", into(other.case_id)},
                 {"stat", into_stat(other.stat)},
                 {"engine", into_word(other.engine, kEngines)}});
    return;
  }
  const std::string text = value.named("of (a parameter such as \"$d\" or a table)").text();
  if (!text.starts_with('$') || text.size() < 2) {
    value.problem(
        "of {} is not a parameter; write of = \"$d\", of = {{ arm = \"async-loop\" }} or value = \"0.1s\"",
        in_quotes(text));
  }
  condition.param = text.substr(1);
  if (!condition.left.stat.is_time())
    value.problem("{} is not a time, so it cannot be compared with a parameter",
                  to_string(condition.left.stat));
}

void check_demand(const TableReader& table, const Condition& condition) {
  if (table.has("value") == table.has("of")) {
    table.problem("is",
                  "a condition compares with one thing: value = \"0.1s\", of = \"$d\" or of = {{ arm = … }}");
  }
  if (table.has("times") && !table.has("of"))
    table.problem("times", "times multiplies what 'of' names; write the product as value");
  if (table.has("within") != (condition.relation == Relation::about))
    table.problem("within", "is = \"about\" needs within, such as within = \"20%\"; the others take none");
}

/// What is not said of the measure is as in `otherwise`.
void read_condition(const TableReader& table, const Measure& otherwise, Condition& condition) {
  Measure& left = condition.left;
  left = otherwise;
  table.read({{"scenario", into_scenario(left)},
              {"arm", into(left.arm), "arm = \"async-loop\""},
              {"case", into(left.case_id)},
              {"stat", into_stat(left.stat), "stat = \"makespan\""},
              {"engine", into_word(left.engine, kEngines)},
              {"is",
               [&](const Value& value) {
                 into(condition.relation)(value);
                 check_demand(table, condition);
               },
               "is = \"below\""},
              {"value",
               [&](const Value& value) {
                 if (value.begins('$')) value.problem("name a parameter with of: of = \"$d\"");
                 condition.value = value.named("value").figure(left.stat, Scaling::fixed);
               }},
              {"times", into_factor(condition.times)},
              {"of", [&](const Value& value) { read_right(value, condition); }},
              {"within",
               [&](const Value& value) {
                 const std::string text = value.text();
                 const std::optional<double> percent = value.percent();
                 if (!percent || *percent >= kWholePercent) {
                   value.problem("within {} must be above 0% and below 100%, such as \"20%\"",
                                 in_quotes(text));
                 }
                 condition.within = *percent / 100;
               }},
              {"where", into(condition.where)}});
}

Read into_conditions(std::vector<Condition>& conditions, const std::string& what, const Measure& otherwise,
                     const std::string& file) {
  return [&](const Value& value) {
    value.named(value.key()).each_table(kMaxConditions, [&](const toml::table& table) {
      Condition& condition = conditions.emplace_back();
      const toml::source_position& at = table.source().begin;
      condition.place = fmt::format("{}:{}:{}", file, at.line, at.column);
      read_condition(TableReader(value.draft(), table, "a condition of " + what), otherwise, condition);
    });
  };
}

void read_claim(Draft& draft, const toml::table& toml, ClaimsFile& file, const std::string& path) {
  Claim claim;
  const std::string id = toml["id"].value_or(std::string());
  const TableReader table(draft, toml, id.empty() ? "a claim" : "claim " + in_quotes(id));
  const std::vector<std::string> documents = ids_of(file.documents);
  if (documents.empty()) draft.problems.at(toml.source(), "the file names no documents: add [documents]");
  Measure measure;
  table.read({{"id", into_words(claim.id), "id = \"D2.9-async-0.03\""},
              {"document", into_word(claim.document, documents),
               documents.empty() ? "" : fmt::format("document = \"{}\"", documents.front())},
              {"section", into_words(claim.section), "section = \"part 9\""},
              {"about",
               [&](const Value& value) {
                 claim.about_fastapi = value.word({"concurrency", "fastapi"}) == 1;
                 measure.engine = claim.about_fastapi ? "fastapi" : "native";
               },
               "about = \"concurrency\""},
              {"claim", into_words(claim.text), "claim = \"…\""},
              {"scenario", into_words(measure.scenario), "scenario = \"blocking-async\""},
              {"engine", into_word(measure.engine, kEngines)},
              {"test", into_conditions(claim.tests, table.what(), measure, path),
               "test = [{ arm = \"async-loop\", stat = \"makespan\", is = \"about\", of = \"$d\", … }]"},
              {"except", into_conditions(claim.exceptions, table.what(), measure, path)},
              {"outcome", into(claim.outcome), "outcome = \"verified\""},
              {"why", into_words(claim.why), "why = \"…\""}});
  if (claim.exceptions.empty() == (claim.outcome == ClaimOutcome::qualified))
    table.problem("outcome", "a qualified claim, and no other, has conditions under 'except' that fail");
  for (const Condition* condition : claim.conditions()) {
    const bool foreign =
        condition->left.engine != "fastapi" || (condition->right && condition->right->engine != "fastapi");
    if (claim.about_fastapi && foreign)
      table.problem("about", "a claim about FastAPI is decided by real FastAPI: engine = \"fastapi\"");
  }
  if (contains(ids_of(file.claims), claim.id))
    draft.problems.at(toml.source(), "two claims have the id {}", in_quotes(claim.id));
  file.claims.push_back(std::move(claim));
}

/// `~1.1s`, `<50ms` or `3 seconds` as seconds; of other stats the number is a key of its own.
void read_claimed(const Value& value, LogRow& row) {
  into_words(row.claimed)(value);
  if (!row.measure.stat.is_time()) return;
  std::string bare =
      row.claimed.substr(std::min(row.claimed.size(), row.claimed.find_first_of("0123456789")));
  if (const std::size_t word = bare.find(" second"); word != std::string::npos)
    bare.replace(word, std::string::npos, "s");
  row.value = seconds(value.checked(parse_duration(bare)));
}

void read_log_row(Draft& draft, const toml::table& toml, ClaimsFile& file, const std::string& path) {
  LogRow row;
  const toml::source_position& at = toml.source().begin;
  row.file_place = fmt::format("{}:{}:{}", path, at.line, at.column);
  const std::vector<std::string> documents = ids_of(file.documents);
  Measure& measure = row.measure;
  const TableReader table(draft, toml, "a row of the log");
  table.read({{"document", into_word(row.document, documents), "document = \"D2\""},
              {"place", into_words(row.place), "place = \"part 9\""},
              {"written", into_words(row.written), "written = \"def + time.sleep(0.1)\""},
              {"model", into(row.model)},
              {"scenario", into_words(measure.scenario), "scenario = \"blocking-async\""},
              {"arm", into(measure.arm), "arm = \"async-loop\""},
              {"case", into(measure.case_id)},
              {"stat", into_stat(measure.stat), "stat = \"makespan\""},
              {"claimed", [&](const Value& value) { read_claimed(value, row); }, "claimed = \"~1.1s\""},
              {"value", [&](const Value& value) { row.value = value.figure(measure.stat, Scaling::fixed); }},
              {"is", into(row.relation)},
              {"judged", into(row.judged)},
              {"from", into(row.from, Scaling::fixed)},
              {"set",
               [&](const Value& value) {
                 value.each_entry("set must be a table such as { d = \"2s\" }",
                                  [&](const toml::key& key, const toml::node& node) {
                                    row.params[std::string(key.str())] =
                                        Value(draft, &node, node.source(), "set").span(Scaling::fixed);
                                  });
               }},
              {"requests", [&](const Value& value) { row.requests = value.whole(1, kMaxLogRequests); }},
              {"quick", into_factor(row.quick)}});
  if (!measure.stat.is_time() && !table.has("value"))
    table.problem("claimed", "{} is no time: its number is a key of its own, value = 1000",
                  to_string(measure.stat));
  file.log.push_back(std::move(row));
}

void read_runs(const Value& value, ClaimsFile& claims) {
  value.each_entry("runs must be tables, [runs.SCENARIO]", [&](const toml::key& key, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) value.draft().problems.at(node.source(), "each entry of runs must be a table");
    const std::string scenario(key.str());
    RunNeeds& needs = claims.runs[scenario];
    TableReader(value.draft(), *table, "runs." + scenario)
        .read({{"least_scale", into_factor(needs.least_scale)}, {"cores", into(needs.cores, 1, kMaxCores)}});
  });
}

void read_documents(const Value& value, ClaimsFile& claims) {
  value.each_entry("documents must be tables, [documents.D0]", [&](const toml::key& key,
                                                                   const toml::node& node) {
    Document& document = claims.documents.emplace_back(Document{std::string(key.str()), "", ""});
    const Value entry(value.draft(), &node, node.source(), "documents." + document.id);
    if (node.is_string())  // its title alone
      document.title = entry.text(true);
    else
      entry.table(
          "must be a title, or a table with a title", "documents." + document.id,
          {{"title", into_words(document.title), "title = \"A guide\""},
           {"contributes", into_words(document.contributes), "contributes = \"what the lab has from it\""}});
  });
}

/// What a measure speaks of must be there; its case is filled in where the scenario has but one.
void settle_measure(Measure& measure, const Scenario& scenario, const std::string& place) {
  const auto check = [&](const std::string& word, const std::vector<std::string>& known, const char* what) {
    refuse_if(!contains(known, word), "{}: scenario {} has no {} {}{}", place, scenario.name, what,
              in_quotes(word), suggestion(word, known));
  };
  const std::vector<std::string> arms = ids_of(scenario.arms);
  // On FastAPI an arm stands for several servers: `async-loop@uvloop`.
  const bool variant =
      measure.engine == "fastapi" && (measure.arm.ends_with("@uvloop") || measure.arm.ends_with("@gunicorn"));
  measure.written = variant ? split(measure.arm, '@').front() : measure.arm;
  const auto arm = std::ranges::find(scenario.arms, measure.written, &Arm::id);
  if (arm == scenario.arms.end()) check(measure.arm, arms, "arm");
  refuse_if(arm->predict_only, "{}: arm {} of {} is only predicted; a claim is decided by what was measured",
            place, in_quotes(measure.arm), scenario.name);
  const std::vector<std::string> cases = ids_of(scenario.cases);
  refuse_if(measure.case_id.empty() && cases.size() > 1,
            "{}: scenario {} has several cases; add case = \"{}\", one of {}", place, scenario.name,
            cases.front(), join(cases, ", "));
  if (measure.case_id.empty()) measure.case_id = cases.front();
  check(measure.case_id, cases, "case");
  const std::vector<std::string> routes = ids_of(scenario.routes);
  const std::string& route = measure.stat.route;
  refuse_if(!route.empty() && !contains(routes, route), "{}: stat '{}' names the unknown route {}{}", place,
            to_string(measure.stat), in_quotes(route), suggestion(route, routes));
}

/// Scenarios that were loaded once.
class Shelf {
 public:
  explicit Shelf(std::span<const Traits> modes) : modes_(modes) {}

  const Scenario& get(const std::string& name, const std::string& place) {
    const auto known = scenarios_.find(name);
    if (known != scenarios_.end()) return known->second;
    return scenarios_.emplace(name, about(place, load_scenario(name, modes_)).value()).first->second;
  }

 private:
  std::span<const Traits> modes_;
  std::map<std::string, Scenario> scenarios_;
};

void check_param(const std::string& name, const Scenario& scenario, const std::string& place) {
  refuse_if(!scenario.params.contains(name), "{}: scenario {} has no parameter {}{}", place, scenario.name,
            in_quotes("$" + name), suggestion(name, ids_of(scenario.params)));
}

void settle_condition(Condition& condition, Shelf& shelf) {
  const Scenario& left = shelf.get(condition.left.scenario, condition.place);
  settle_measure(condition.left, left, condition.place);
  if (condition.right) {
    settle_measure(*condition.right, shelf.get(condition.right->scenario, condition.place), condition.place);
  } else if (!condition.param.empty()) {
    check_param(condition.param, left, condition.place);
  }
}

}  // namespace

Result<ClaimsFile> parse_claims(std::string_view toml, const std::string& file) {
  const Overrides unchanged;
  Draft draft(file, {}, unchanged);
  ClaimsFile claims;
  return caught([&] {
    const toml::table root = parse_toml(toml, draft.problems);
    const TableReader table(draft, root, "the file");
    table.read({{"documents", [&](const Value& value) { read_documents(value, claims); },
                 "[documents] with D0 = { title = \"…\", contributes = \"…\" }"},
                {"runs", [&](const Value& value) { read_runs(value, claims); }},
                {"claims"},
                {"log"}});
    table.need("claims", "[[claims]]");
    table.each("claims", kMaxClaims,
               [&](Draft&, const toml::table& claim) { read_claim(draft, claim, claims, file); });
    table.each("log", kMaxClaims,
               [&](Draft&, const toml::table& row) { read_log_row(draft, row, claims, file); });
    return claims;
  });
}

Result<ClaimsFile> load_claims(const std::optional<std::filesystem::path>& path) {
  std::filesystem::path file = installed_share() / "claims.toml";
  if (const auto root = checkout_root()) file = *root / "results" / "claims.toml";
  if (path) file = *path;
  LAB_TRY(const std::string text, read_toml_file(file));
  return parse_claims(text, file.string());
}

Result<void> settle_claims(ClaimsFile& file, std::span<const Traits> modes) {
  Shelf shelf(modes);
  return caught([&] {
    for (Claim& claim : file.claims) {
      for (std::vector<Condition>* conditions : {&claim.tests, &claim.exceptions}) {
        for (Condition& condition : *conditions) settle_condition(condition, shelf);
      }
    }
    for (LogRow& row : file.log) {
      const Scenario& scenario = shelf.get(row.measure.scenario, row.file_place);
      settle_measure(row.measure, scenario, row.file_place);
      for (const auto& [name, value] : row.params) check_param(name, scenario, row.file_place);
    }
    for (const auto& [name, needs] : file.runs) shelf.get(name, "runs." + name);
  });
}

}  // namespace lab
