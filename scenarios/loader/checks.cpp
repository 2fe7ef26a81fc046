// How a scenario is judged, asked about and explained.

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr double kWidestPercent = 1000;
constexpr std::size_t kMaxWrong = 16;

void check_kind(const TableReader& table) {
  const int exact = table.has("within") + table.has("equals");
  const int limits = table.has("at_least") + table.has("at_most");
  if (exact + limits == 0) {
    table.problem("stat",
                  "this check demands nothing; add within (of the model), equals, at_least or at_most");
  } else if (exact > 1 || (exact == 1 && limits > 0)) {
    table.problem(table.has("equals") ? "equals" : "within",
                  "one check demands one thing: within, equals, or a range of at_least and at_most");
  }
}

void read_within(const Value& value, Check& check) {
  const std::string text = value.text();
  check.tolerance = "within " + one_line(text);
  check.text = " " + check.tolerance;
  if (text.ends_with('%')) {
    const std::optional<double> percent = value.percent();
    if (!percent || *percent > kWidestPercent)
      value.problem("within {} must be above 0% and at most 1000%, such as \"3%\"", in_quotes(text));
    check.within_relative = *percent / 100;
  } else if (!check.stat.is_time()) {
    value.problem("within {}: {} is no time, so write a share such as \"3%\"", in_quotes(text),
                  to_string(check.stat));
  } else {
    check.within_absolute = value.named("within (a share such as \"3%\" or a duration)").span(Scaling::fixed);
  }
}

/// A number to hold the stat against, which the check's text says as `at most 50 ms`.
Read into_limit(const TableReader& table, Check& check, std::optional<double>& limit,
                std::string_view words) {
  return [&table, &check, &limit, words](const Value& value) {
    check_kind(table);
    limit = value.named(value.key()).figure(check.stat, Scaling::fixed);
    check.text +=
        fmt::format("{} {} {}", check.text.empty() ? "" : " and", words,
                    check.stat.is_time() ? format_duration(to_nanos(*limit)) : fmt::format("{}", *limit));
  };
}

void read_check(Draft& draft, const toml::table& toml) {
  const TableReader table(draft, toml, "check");
  Check check;
  table.read({{"stat",
               [&](const Value& value) {
                 check.stat = value.named("stat").stat();
                 check_stat(value, check.stat);
               },
               "stat = \"makespan\""},
              {"arm", into_word(check.arm, ids_of(draft.scenario.arms))},
              {"case", into_word(check.case_id, ids_of(draft.scenario.cases))},
              {"within",
               [&](const Value& value) {
                 check_kind(table);
                 read_within(value.named("within"), check);
               }},
              {"equals", into_limit(table, check, check.equals, "=")},
              {"at_least", into_limit(table, check, check.at_least, "at least")},
              {"at_most", into_limit(table, check, check.at_most, "at most")}});
  check_kind(table);
  if (check.at_least && check.at_most && *check.at_least > *check.at_most)
    table.problem("at_most", "at_most is below at_least, so nothing can pass");
  check.text = to_string(check.stat) + check.text;
  draft.scenario.checks.push_back(std::move(check));
}

/// `blocking.ping.latency.max`: an arm, then a stat.
void read_answer(const Value& value, Ask& ask) {
  Draft& draft = value.draft();
  const std::vector<std::string> arms = ids_of(draft.scenario.arms);
  const std::string text = value.text();
  const std::size_t dot = text.find('.');
  ask.answer_arm = text.substr(0, dot);
  if (dot == std::string::npos) {
    value.problem("answer {} must be an arm and a stat, such as \"{}.makespan\"", in_quotes(text),
                  arms.front());
  } else if (!contains(arms, ask.answer_arm)) {
    value.problem("answer {} names the unknown arm {}{}", in_quotes(text), in_quotes(ask.answer_arm),
                  suggestion(ask.answer_arm, arms));
  } else {
    ask.answer = read_stat(draft, std::string_view(text).substr(dot + 1), value.where());
    check_stat(value, ask.answer);
  }
}

void read_wrong(Draft& draft, const toml::table& table, Ask& ask) {
  Ask::Wrong& wrong = ask.wrong.emplace_back();
  TableReader(draft, table, "wrong answer")
      .read({{"value",
              [&](const Value& value) {
                wrong.value = value.named("value").figure(ask.answer, Scaling::scaled);
              },
              "value = \"0s\""},
             {"say",
              [&](const Value& say) { wrong.say = fill_in(draft, say.text(), say.where(), ask.answer_case); },
              "say = \"That is the mean wait.\""}});
}

void read_ask(Draft& draft, const toml::table& toml) {
  Ask ask;
  const TableReader table(draft, toml, "ask");
  // The text may speak of the case's requests.
  table.read({{"text", {}, "text = \"How long does the slowest ping take?\""},
              {"answer", [&](const Value& value) { read_answer(value.named("answer"), ask); },
               "answer = \"blocking.makespan\""},
              {"case", into_word(ask.answer_case, ids_of(draft.scenario.cases))},
              {"wrong"}});
  const Value text = table["text"];
  ask.text = fill_in(draft, text.text(), text.where(), ask.answer_case);
  table.each("wrong", kMaxWrong, [&](Draft&, const toml::table& entry) { read_wrong(draft, entry, ask); });
  draft.scenario.asks.push_back(std::move(ask));
}

}  // namespace

void read_checks(const TableReader& file) {
  file.each("checks", kMaxEntries, read_check);
}

void read_asks(const TableReader& file) {
  file.each("ask", kMaxEntries, read_ask);
}

void read_explain(const TableReader& file) {
  Draft& draft = file.draft();
  const Value value = file["explain"];
  if (!value) return;
  Explain& explain = draft.scenario.explain;
  const auto filled = [](std::string& member) {
    return
        [&member](const Value& text) { member = fill_in(text.draft(), text.text(true), text.where(), ""); };
  };
  const TableReader table(draft, value.table("explain must be one table, [explain]"), "explain");
  table.read({{"answer", [&](const Value& sentence) { explain.answer = read_answer_sentence(sentence); }},
              {"text", filled(explain.text)},
              {"log", filled(explain.log)},
              {"note", filled(explain.note)},
              {"next", [&](const Value& next) { explain.next = next.id("next"); }},
              {"next_reason", into(explain.next_reason)}});
  if (table.has("next_reason") && !table.has("next"))
    table.problem("next_reason", "next_reason explains nothing without next = \"a-scenario\"");
}

}  // namespace lab
