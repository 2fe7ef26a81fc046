#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <string_view>

#include "lab/core/text.hpp"
#include "lab/course/quiz.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/page.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/as_json.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

namespace json = boost::json;

/// Units of each kind of work per second on the machine that stands for all, in the order of Work.
constexpr WorkRates kReferenceRates{2.5e8, 4e8, 22'000, 560'000, 3e9, 1.4e7, 1e5, 5e4};

std::string text_in(const json::object& call, const char* key) {
  const json::value* value = call.if_contains(key);
  refuse_if(value != nullptr && !value->is_string(), "{}: a text is expected", key);
  return value == nullptr ? "" : std::string(value->get_string());
}

std::int64_t number_of(const json::object& call, const char* key, std::int64_t usual, std::int64_t most) {
  const json::value* value = call.if_contains(key);
  const std::int64_t number = value == nullptr || !value->is_int64() ? usual : value->get_int64();
  refuse_if((value != nullptr && !value->is_int64()) || number < 0 || number > most,
            "{}: a whole number from 0 to {} is expected", key, most);
  return number;
}

Texts texts_of(std::string_view name, const json::value& value) {
  if (value.is_string()) return {std::string(value.get_string())};
  if (value.is_int64()) return {fmt::format("{}", value.get_int64())};
  refuse_if(!value.is_array(), "--{}: a text is expected, or a list of them", name);
  Texts texts;
  for (const json::value& each : value.get_array()) {
    refuse_if(!each.is_string(), "--{}: a list of texts is expected", name);
    texts.emplace_back(each.get_string());
  }
  return texts;
}

/// Of a run besides.
constexpr std::array<std::string_view, 3> kRunWords{"engine", "repeat", "budget"};

/// What a page may ask for: what changes the scenario, and a guess. No command, path or address.
RunOptions options_in(const json::object& call, bool runs = false) {
  RunOptions options;
  const json::value* given = call.if_contains("options");
  if (given == nullptr) return options;
  refuse_if(!given->is_object(), "options: an object is expected, such as {{\"requests\": \"20\"}}");
  for (const auto& [key, value] : given->get_object()) {
    const std::string name(key);
    const auto option = find_run_option(options, name);
    const bool allowed = option && (option->keep == Option::in_record || name == "seed" || name == "guess" ||
                                    (runs && std::ranges::count(kRunWords, name) > 0));
    refuse_if(!allowed, "options: the page has no option --{}", name.substr(0, 60));
    const Texts texts = texts_of(name, value);
    if (!texts.empty()) option->take(texts);
  }
  return options;
}

Scenario scenario_in(const json::object& call, const Overrides& overrides) {
  if (const std::string text = text_in(call, "toml"); !text.empty())
    return parse_scenario(text, "own.toml", known_modes(), overrides).value();
  const std::string name = text_in(call, "scenario");
  refuse_if(is_scenario_path(name), "scenario: '{}' is a path; a name is expected, or toml with the text",
            name.substr(0, 60));
  return load_scenario(name, known_modes(), overrides).value();
}

json::object call_in(std::string_view request) {
  boost::system::error_code error;
  json::value call = json::parse(request, error);
  refuse_if(error || !call.is_object(), "not a JSON object such as {{\"call\": \"list\"}}");
  return std::move(call.as_object());
}

void check_guesses(const RunOptions& options, const Scenario& scenario) {
  for (const Guess& guess : options.guesses) {
    refuse_if(std::ranges::count(scenario.arms, guess.arm, &Arm::id) == 0, "--guess: no arm '{}'",
              guess.arm.substr(0, 60));
  }
}

std::string predict_for_page(const json::object& call) {
  constexpr std::int64_t kMostForPage = 1'000'000;
  const RunOptions options = options_in(call);
  Scenario scenario = scenario_in(call, options.overrides);
  check_guesses(options, scenario);
  for (const Case& load_case : scenario.cases) {
    refuse_if(load_case.requests() > kMostForPage,
              "--requests: {} requests; the page computes at most {}; lab predict takes more",
              load_case.requests(), kMostForPage);
  }
  int cores = static_cast<int>(number_of(call, "cores", 0, 1024));
  if (call.contains("reference")) {
    apply_reference_rates(scenario);
    if (cores == 0) cores = kReferenceCores;
  }
  Run drawn;
  Report report = make_prediction(scenario, options.experiment.seed, options.guesses, cores, &drawn);
  report.changes = describe_changes(options.overrides);
  return page_json(report, scenario, drawn);
}

std::vector<Question> questions_in_call(const json::object& call, std::uint64_t seed) {
  const std::string scenario = text_in(call, "scenario");
  std::vector<Question> all;
  if (scenario.empty()) {
    all = scenario_questions();
  } else {
    all = questions_of(scenario_in(call, {}));
  }
  for (const Question& question : quiz_file().questions) {
    if (scenario.empty() || question.scenario == scenario) all.push_back(question);
  }
  return draw(std::move(all), static_cast<std::size_t>(number_of(call, "count", 1'000, 1'000)), seed);
}

std::string ask_quiz(const json::object& call) {
  const auto seed = static_cast<std::uint64_t>(number_of(call, "seed", 0, INT32_MAX));
  return questions_json(questions_in_call(call, seed), seed);
}

std::string grade_quiz(const json::object& call) {
  const auto seed = static_cast<std::uint64_t>(number_of(call, "seed", 0, INT32_MAX));
  const json::value* answers = call.if_contains("answers");
  QuizResult result{{}, questions_in_call(call, seed), seed};
  result.grades = grade_all(result.questions, answers == nullptr ? "{}" : json::serialize(*answers));
  return result_json(result);
}

struct CallKind {
  std::string_view word;
  std::string (*answer)(const json::object& call);
};

constexpr std::array<CallKind, 4> kCalls{{
    {"list", [](const json::object& /*call*/) { return catalogue_json(); }},
    {"predict", predict_for_page},
    {"quiz", ask_quiz},
    {"grade", grade_quiz},
}};

std::string dispatch(std::string_view request) {
  const json::object call = call_in(request);
  const std::string word = text_in(call, "call");
  const auto kind = std::ranges::find(kCalls, word, &CallKind::word);
  refuse_if(kind == kCalls.end(), "call: list, predict, quiz or grade is expected, not '{}'",
            word.substr(0, 60));
  return kind->answer(call);
}

}  // namespace

void apply_reference_rates(Scenario& scenario) {
  for (Route& route : scenario.routes) apply_rates(route, kReferenceRates);
}

Texts words_of_run(std::string_view request) {
  const json::object call = call_in(request);
  refuse_if(call.contains("toml"),
            "toml: real servers run a scenario of the catalogue; save it as a file for lab run");
  RunOptions options = options_in(call, true);
  const Scenario scenario = scenario_in(call, options.overrides);
  check_guesses(options, scenario);
  if (!options.has("repeat")) options.set("repeat", "1");
  options.check_together();
  Texts words{"--stream", "--quiet"};
  for (const auto& [name, texts] : options.given) {
    const bool splits = find_run_option(options, name)->splits;
    for (const std::string& text : splits ? Texts{join(texts, ",")} : texts)
      words.push_back(fmt::format("--{}={}", name, text));
  }
  words.push_back(scenario.name);
  return words;
}

std::string answer_call(std::string_view request) {
  const Result<std::string> answer = caught([&] { return dispatch(request); });
  if (answer) return *answer;
  const Error& error = answer.error();
  return json_line(
      {{"error", {{"exit", static_cast<int>(error.kind)}, {"message", json_text(error.message)}}}});
}

}  // namespace lab
