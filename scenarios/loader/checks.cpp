// How a scenario is judged, asked about and explained.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>

#include "lab/core/clock.hpp"
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
    check.text += fmt::format("{} {} {}", check.text.empty() ? "" : " and", words,
                              check.stat.is_time() ? format_seconds(*limit) : fmt::format("{}", *limit));
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

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";

/// As a sentence says it: in words where they are short.
std::string number_in_words(std::int64_t number, bool begins_sentence) {
  std::string word = number > 12 ? grouped(number) : number_word(number);
  if (number == 20) word = "twenty";
  if (number == 40) word = "forty";
  if (number == 100) word = "a hundred";
  if (number == 1000) word = "a thousand";
  if (begins_sentence) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

/// After "one": `requests wait` becomes `request waits`, and `blocking requests` `blocking request`. Takes
/// what it has changed off the text.
std::string in_singular(std::string_view& rest) {
  constexpr std::string_view kNouns[] = {"requests", "clients", "tasks",   "handlers",    "users",
                                         "queries",  "workers", "threads", "connections", "processes"};
  constexpr std::string_view kVerbs[] = {"wait",  "compute", "ask",   "need", "make",
                                         "await", "hang",    "count", "share"};
  std::string changed;
  const auto take_word = [&] {
    const std::size_t space = rest.find_first_not_of(' ');
    if (space == std::string_view::npos) return std::string_view();
    const std::size_t end = std::min(rest.find_first_of(" ,.?:;", space), rest.size());
    changed += rest.substr(0, space);
    const std::string_view word = rest.substr(space, end - space);
    rest.remove_prefix(end);
    return word;
  };
  const auto is_among = [](std::string_view word, std::span<const std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
  };
  const std::string_view whole = rest;
  for (int words = 0; words < 2; ++words) {
    const std::string_view noun = take_word();
    if (noun.starts_with('$')) break;
    if (!is_among(noun, kNouns)) {
      changed += noun;
      continue;
    }
    const bool es = noun == "processes";
    changed += noun == "queries" ? "query" : std::string(noun.substr(0, noun.size() - (es ? 2 : 1)));
    const std::string_view before_verb = rest;
    std::string up_to_noun = changed;
    const std::string_view verb = take_word();
    if (is_among(verb, kVerbs)) return changed + std::string(verb) + "s";
    rest = before_verb;
    return up_to_noun;
  }
  rest = whole;
  return "";
}

/// How many of the first arm that has several workers, or of the first one that has threads, with the
/// command's options; none where there are none.
std::optional<std::int64_t> how_many(const Draft& draft, std::string_view what) {
  const std::vector<Arm>& arms = draft.scenario.arms;
  const bool workers = what == "workers";
  if (!workers && what != "threads") return std::nullopt;
  const auto arm = std::ranges::find_if(
      arms, [&](const Arm& one) { return workers ? one.workers > 1 : has_threads(draft.scenario, one); });
  if (arm == arms.end()) return std::nullopt;
  return workers ? draft.overrides.workers.value_or(arm->workers)
                 : draft.overrides.threads.value_or(arm->threads);
}

/// `*3` or `/2` behind a parameter; 1 where there is neither. Takes it off the text.
double take_factor(std::string_view& rest) {
  if (rest.size() < 2 || (rest[0] != '*' && rest[0] != '/')) return 1;
  const bool divides = rest[0] == '/';
  int factor = 0;
  const auto [end, problem] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), factor);
  if (problem != std::errc() || factor <= 0) return 1;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return divides ? 1.0 / factor : factor;
}

/// Takes a parameter's name off the text: the longest that is one, so that `$d-pool` can follow.
std::string_view take_name(std::string_view& rest, const std::map<std::string, Nanos>& params) {
  const std::size_t end = std::min(rest.find_first_not_of(kNameLetters), rest.size());
  std::size_t size = end;
  while (size > 0 && params.count(std::string(rest.substr(0, size))) == 0) --size;
  if (size == 0) size = end;
  const std::string_view name = rest.substr(0, size);
  rest.remove_prefix(size);
  return name;
}

/// `burst-41: thread-pool.makespan`: the case may be left out, which is then the first one.
Conclusion::Figure read_figure_of_run(Draft& draft, std::string_view text, const toml::source_region& where) {
  Conclusion::Figure figure;
  const Scenario& scenario = draft.scenario;
  figure.case_id = scenario.cases.front().id;
  const auto check = [&](std::string_view word, const std::vector<std::string>& known, const char* kind) {
    if (contains(known, word)) return;
    draft.problems.at(where, "the answer names the unknown {} {}{}", kind, in_quotes(word),
                      suggestion(word, known));
  };
  if (const std::size_t colon = text.find(": "); colon != std::string_view::npos) {
    figure.case_id = text.substr(0, colon);
    check(figure.case_id, ids_of(scenario.cases), "case");
    text.remove_prefix(colon + 2);
  }
  const std::size_t dot = std::min(text.find('.'), text.size());
  figure.arm = text.substr(0, dot);
  check(figure.arm, ids_of(scenario.arms), "arm");
  figure.stat = read_stat(draft, text.substr(std::min(dot + 1, text.size())), where);
  return figure;
}

/// The sentence that answers the question; `{ARM.STAT}` or `{CASE: ARM.STAT}` is a figure of the run.
Conclusion read_answer_sentence(const Value& value) {
  Draft& draft = value.draft();
  Conclusion answer;
  const std::string filled = fill_in(draft, value.text(true), value.where(), "");
  std::string_view rest = filled;
  for (;;) {
    const std::size_t open = std::min(rest.find('{'), rest.size());
    answer.words.emplace_back(rest.substr(0, open));
    if (open == rest.size()) break;
    const std::size_t close = rest.find('}', open);
    if (close == std::string_view::npos)
      value.problem("the answer has a {{ without a }}; a figure of the run is {{ARM.STAT}}");
    answer.figures.push_back(
        read_figure_of_run(draft, rest.substr(open + 1, close - open - 1), value.where()));
    rest.remove_prefix(close + 1);
  }
  return answer;
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

// What a scenario says about itself: parameters and figures inside its sentences.

std::string fill_in(Draft& draft, std::string_view text, const toml::source_region& where,
                    const std::string& case_id) {
  const Scenario& scenario = draft.scenario;
  std::string filled;
  while (!text.empty()) {
    const std::size_t dollar = std::min(text.find('$'), text.size());
    filled += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.empty() || text[0] < 'a' || text[0] > 'z') {
      filled += '$';
      continue;
    }
    const std::string_view name = take_name(text, scenario.params);
    const auto param = scenario.params.find(std::string(name));
    const auto load_case = std::ranges::find_if(
        scenario.cases, [&](const Case& one) { return case_id.empty() || one.id == case_id; });
    if (param != scenario.params.end()) {
      filled += format_duration(static_cast<Nanos>(static_cast<double>(param->second) * take_factor(text)));
      continue;
    }
    std::optional<std::int64_t> number = how_many(draft, name);
    if (name == "requests" && load_case != scenario.cases.end()) number = load_case->loads.front().requests;
    if (!number) {
      std::vector<std::string> known{"requests", "workers", "threads"};
      for (const auto& [key, value] : scenario.params) known.push_back(key);
      draft.problems.at(where, "a text names the unknown parameter {}{}", in_quotes(fmt::format("${}", name)),
                        suggestion(name, known));
    }
    const bool begins = filled.empty() || filled.ends_with(". ") || filled.ends_with("? ");
    filled += number_in_words(*number, begins);
    if (*number == 1) filled += in_singular(text);
  }
  return filled;
}

}  // namespace lab
