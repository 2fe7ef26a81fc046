#include "lab/course/quiz.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/as_json.hpp"
#include "scenarios/loader/code_line.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr double kSameValue = 0.05;  // a figure this near to a usual mistake is that mistake

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; });
  return text;
}

/// FNV-1a: the order of the choices hangs on the seed and the question, not on what else is drawn.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
  return hash;
}

/// Fisher and Yates's, because std::shuffle may give another order in each library: the page asks as the
/// program does.
template <class Entry>
void shuffle(std::vector<Entry>& entries, std::mt19937_64& random) {
  for (std::size_t left = entries.size(); left > 1; --left)
    std::swap(entries[left - 1], entries[random() % left]);
}

Result<double> figure(const Question& question, const std::string& answer) {
  if (question.number.is_time) {
    const auto span = parse_duration(answer);
    if (!span) return usage_error("{}: {}", question.id, span.error().message);
    return seconds(*span);
  }
  std::string digits = without_blanks(answer);
  const bool percent = digits.ends_with('%');
  if (percent) digits.pop_back();
  const auto value = number_in<double>(digits);
  if (!value || !std::isfinite(*value))
    return usage_error("{}: '{}' is not a number", question.id, answer.substr(0, 40));
  return percent ? *value / 100 : *value;
}

Grade grade_number(const Question& question, double value) {
  const NumberAnswer& number = question.number;
  const bool accepted = value >= number.low && value <= number.high;
  Grade grade{format_answer(question, value), accepted, "", value};
  const auto distance = [&](const NumberAnswer::Wrong& wrong) { return std::abs(wrong.value - value); };
  const auto nearest = std::ranges::min_element(number.wrong, {}, distance);
  if (nearest == number.wrong.end()) return grade;
  const double scale = nearest->value != 0 ? std::abs(nearest->value) : number.low;
  const bool nearer =
      !accepted || !number.usual.empty() || distance(*nearest) < std::abs(number.right - value);
  if (!nearer || distance(*nearest) > kSameValue * scale) return grade;
  grade.misconception = nearest->say;
  grade.right = false;
  return grade;
}

Result<Grade> grade_choice(const Question& question, const std::string& answer) {
  const auto& choices = question.choices;
  auto chosen = std::ranges::find(choices, answer, &Choice::text);
  if (chosen == choices.end()) {
    const std::size_t number = number_in<std::size_t>(without_blanks(answer)).value_or(0);
    if (number < 1 || number > choices.size()) {
      return usage_error("{}: '{}' is none of its choices; give 1 to {}", question.id, answer.substr(0, 40),
                         choices.size());
    }
    chosen = choices.begin() + static_cast<std::ptrdiff_t>(number - 1);
  }
  return Grade{chosen->text, chosen->right, chosen->say, {}};
}

json::object json_of(const Question& question) {
  json::object object{{"id", question.id},
                      {"documents", as_json(question.documents)},
                      {"source", question.source},
                      {"topic", question.topic},
                      {"scenario", question.scenario},
                      {"level", quiz_file().level_of(question.id)},
                      {"context", as_json(question.context)},
                      {"text", question.text},
                      {"kind", question.choices.empty() ? "figure" : "choice"}};
  if (question.choices.empty()) {
    object["unit"] = unit_of(question);
    return object;
  }
  json::array& choices = object["choices"].emplace_array();
  for (const Choice& choice : question.choices) choices.emplace_back(choice.text);
  return object;
}

constexpr std::int64_t kMaxSimulated =
    300'000;  // requests; more take longer than anybody waits for a question
constexpr double kTolerance = 0.1;

/// An entry of results/quiz.toml.
struct WrittenQuestion {
  struct Wrong {
    std::optional<Figure> value;  // or `choice`, as the question has `answer` or `choice`
    std::string choice, say;
    static constexpr std::string_view kMayLack = "value choice";
  };
  std::string id, document, place, topic, text, choice;
  std::optional<Figure> answer;  // or `choice`
  std::vector<Wrong> wrong;
  std::string why, proof;
  static constexpr std::string_view kMayLack = "choice answer";
};
BOOST_DESCRIBE_STRUCT(WrittenQuestion::Wrong, (), (value, choice, say))
BOOST_DESCRIBE_STRUCT(WrittenQuestion, (),
                      (id, document, place, topic, text, choice, answer, wrong, why, proof))

struct WrittenQuiz {
  std::vector<WrittenQuestion> questions;
  std::vector<MeasuredAnswer> measured;
  std::vector<std::string> easy, hard;
  static constexpr std::string_view kMayLack = "measured easy hard";
};
BOOST_DESCRIBE_STRUCT(WrittenQuiz, (), (questions, measured, easy, hard))

/// Right within a tenth. Where nothing at all is right, so is what is small beside every mistake.
void accept_around(double right, NumberAnswer& number) {
  number.right = right;
  number.low = right * (1 - kTolerance);
  number.high = right * (1 + kTolerance);
  if (right != 0) return;
  double least = 0;
  for (const NumberAnswer::Wrong& wrong : number.wrong) {
    if (wrong.value > 0 && (least == 0 || wrong.value < least)) least = wrong.value;
  }
  number.high = least * kTolerance;
}

Question question_of(const WrittenQuestion& written, const std::string& file) {
  Question question;
  question.id = written.id;
  question.documents = {written.document};
  question.source = fmt::format("{} {}", written.document, written.place);
  question.topic = written.topic;
  question.text = written.text;
  question.why = written.why;
  question.proof = written.proof;
  const std::vector<std::string> words = split(written.proof, ' ');  // lab run NAME …
  if (words.size() > 2) question.scenario = words[2];
  const bool number = written.answer.has_value();
  refuse_if(number != written.choice.empty(), "{}: {}: give answer or choice", file, written.id);
  refuse_if(written.wrong.empty(), "{}: {}: wrong is empty; at least one is needed", file, written.id);
  if (!number) question.choices.push_back({written.choice, "", true});
  for (const auto& [value, choice, say] : written.wrong) {
    refuse_if(value.has_value() != number || choice.empty() != number,
              "{}: {}: each of wrong needs a value where the answer is a number, else a choice", file,
              written.id);
    if (!number) question.choices.push_back({choice, say, false});
    if (!number) continue;
    refuse_if(value->is_time != written.answer->is_time,
              "{}: {}: value must be of the same kind as the answer", file, written.id);
    question.number.wrong.push_back({value->value, say});
  }
  if (written.answer) {
    question.number.is_time = written.answer->is_time;
    accept_around(written.answer->value, question.number);
  }
  return question;
}

/// `D2 part 9` -> D2.
std::vector<std::string> documents_of(const std::vector<std::string>& sources) {
  std::vector<std::string> documents;
  for (const std::string& source : sources) {
    std::string name = source.substr(0, source.find_first_of(" ,"));
    if (!contains(documents, name)) documents.push_back(std::move(name));
  }
  return documents;
}

std::string topic_of(const Scenario& scenario) {
  if (scenario.group == "Where waiting time goes") return "waiting";
  return scenario.group == "Where CPU time goes" ? "computing" : "running";
}

std::string describe_arm(const Arm& arm) {
  const std::string settings = unusual_settings(arm);
  std::string label = arm.label;
  // `uvicorn --workers × 5`, `blocking-loop × 5`: the settings and the model say it.
  for (const std::string& times :
       {fmt::format(" × {} workers", arm.workers), fmt::format(" × {}", arm.workers)}) {
    if (label.ends_with(times)) label.erase(label.size() - times.size());
  }
  label = label.starts_with(arm.mode_name()) ? "" : fmt::format(" ({})", label);
  return arm.mode_name() + label + (settings.empty() ? "" : " ") + settings;
}

std::vector<std::string> context_of(const Scenario& scenario, const Ask& ask) {
  std::vector<std::string> lines{scenario.question};
  const Case& load_case = case_of(scenario, ask);
  std::vector<bool> used(scenario.routes.size(), false);
  for (const Load& load : load_case.loads) {
    used[load.route] = true;
    if (load.then) used[load.then->route] = true;
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) lines.push_back(describe_route(scenario.routes[i]));
  }
  for (const Load& load : load_case.loads) lines.push_back(describe_load(load, scenario));
  for (const Kill& kill : load_case.kills) lines.push_back(describe_kill(kill));
  lines.push_back(describe_arm(arm_of(scenario, ask)));
  return lines;
}

std::string proof_of(const Scenario& scenario, const Ask& ask, const std::string& path) {
  const Arm& arm = arm_of(scenario, ask);
  const std::vector<Load>& loads = case_of(scenario, ask).loads;
  const bool asks_postgres = std::ranges::any_of(
      loads, [&](const Load& load) { return has_step<Query>(scenario.routes[load.route]); });
  return fmt::format("lab {} {} --arms {}{}", arm.predict_only ? "predict" : "run",
                     path.empty() ? scenario.name : shell_word(path), arm.id,
                     !arm.predict_only && asks_postgres ? " --postgres local" : "");
}

}  // namespace

std::vector<Question> select(const std::vector<Question>& all, const QuizFilter& filter) {
  using Words = std::vector<std::string>;
  std::vector<Question> chosen = all;
  const auto keep = [&](const char* option, const Words& wanted, const auto& words_of) {
    Words known;
    for (const Question& question : all) {
      for (const std::string& word : words_of(question)) {
        if (!contains(known, word)) known.push_back(word);
      }
    }
    std::ranges::sort(known);
    for (const std::string& word : wanted) {
      refuse_if(!contains(known, word), "{}: unknown word '{}'{}", option, word.substr(0, 60),
                suggestion(word, known));
    }
    std::erase_if(chosen, [&](const Question& question) {
      const Words own = words_of(question);
      return !wanted.empty() &&
             std::ranges::none_of(own, [&](const std::string& word) { return contains(wanted, word); });
    });
  };
  const auto given = [](const std::string& word) { return word.empty() ? Words{} : Words{word}; };
  keep("--topic", given(filter.topic), [](const Question& one) { return Words{one.topic}; });
  keep("--document", given(filter.document), [](const Question& one) { return one.documents; });
  keep("--scenario", given(filter.scenario), [](const Question& one) { return Words{one.scenario}; });
  keep("--only", filter.ids, [](const Question& one) { return Words{one.id}; });
  refuse_if(chosen.empty(),
            "no question fits all of these options; leave --topic, --document or --scenario out");
  return chosen;
}

void order_choices(Question& question, std::uint64_t seed) {
  std::mt19937_64 own(seed ^ hash_of(question.id));
  shuffle(question.choices, own);
}

std::vector<Question> draw(std::vector<Question> questions, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  shuffle(questions, random);
  questions.resize(std::min(count, questions.size()));
  std::ranges::stable_sort(questions, {}, [](const Question& one) { return quiz_file().level_of(one.id); });
  for (Question& question : questions) order_choices(question, seed);
  return questions;
}

std::string Grade::mistake() const {
  return misconception.empty() ? "not right, and no usual mistake" : misconception;
}

Result<Grade> grade(const Question& question, const std::string& answer) {
  if (without_blanks(answer).empty()) return Grade{};
  if (!question.choices.empty()) return grade_choice(question, answer);
  LAB_TRY(const double value, figure(question, answer));
  return grade_number(question, value);
}

std::vector<Grade> grade_all(const std::vector<Question>& questions, const std::string& text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  refuse_if(error || !document.is_object(),
            "--answers: not a JSON object such as {{\"d2-log\": \"2\", \"gil-1\": \"400ms\"}}{}",
            error ? ": " + error.message() : "");
  const std::vector<std::string> ids = ids_of(questions);
  std::map<std::string, std::string> answers;
  for (const auto& [key, value] : document.get_object()) {
    const std::string id(key);
    refuse_if(!contains(ids, id), "--answers: no question '{}' is asked with this seed{}", id.substr(0, 60),
              suggestion(id, ids));
    refuse_if(!value.is_null() && !value.is_string() && !value.is_number(),
              "--answers: {}: a string or a number is an answer", id);
    if (value.is_string()) answers[id] = value.get_string();
    if (value.is_number()) answers[id] = fmt::format("{:g}", value.to_number<double>());
  }
  std::vector<Grade> grades;
  for (const Question& question : questions) grades.push_back(grade(question, answers[question.id]).value());
  return grades;
}

std::string right_answer(const Question& question) {
  for (const Choice& choice : question.choices) {
    if (choice.right) return choice.text;
  }
  const NumberAnswer& number = question.number;
  return number.usual.empty() ? format_answer(question, number.right) : number.usual;
}

std::string format_answer(const Question& question, double value) {
  return question.number.is_time ? format_duration(to_nanos(value)) : fmt::format("{:.4g}", value);
}

std::string unit_of(const Question& question) {
  return question.number.is_time ? "duration" : "number";
}

std::size_t Score::right() const {
  return static_cast<std::size_t>(std::ranges::count_if(grades, &Grade::right));
}

double Score::score() const {
  return grades.empty() ? 0 : static_cast<double>(right()) / static_cast<double>(grades.size());
}

std::string Score::verdict() const {
  if (!pass) return "";
  return fmt::format("\n{}: {:g} % were needed\n", passed() ? "passed" : "not passed", *pass * 100);
}

std::string format_question(const Question& question, const std::string& head, const TextStyle& style) {
  std::string text = text_lines(fmt::format("{}  {}: {}", head, question.id, question.source), "", 4, style);
  for (const std::string& line : question.context) text += text_lines(line, "  ", 4, style);
  text += text_lines(question.text, "", 0, style);
  int number = 0;
  for (const Choice& choice : question.choices)
    text += text_lines(choice.text, fmt::format("  {}  ", ++number), 5, style);
  return text;
}

std::string answer_prompt(const Question& question) {
  const std::string what = !question.choices.empty() ? fmt::format("1 to {}", question.choices.size())
                           : question.number.is_time ? "a time, such as 100ms or 1.5s"
                                                     : "a number";
  return what + "; Enter repeats, s skips, q ends: ";
}

std::string format_grade(const Question& question, const Grade& grade, const TextStyle& style) {
  if (grade.right) return "right\n";
  return tagged("wrong", grade.mistake(), style, 10) + tagged("right is", right_answer(question), style, 10);
}

std::string format_questions(const std::vector<Question>& questions, std::uint64_t seed,
                             const TextStyle& style) {
  std::string text = fmt::format("seed {}\n", seed);
  for (std::size_t i = 0; i < questions.size(); ++i)
    text += "\n" + format_question(questions[i], fmt::format("{} of {}", i + 1, questions.size()), style);
  return text;
}

std::string list_questions(const std::vector<Question>& questions, const TextStyle& style) {
  std::string text;
  for (const Question& question : questions) text += listed(question.id, question.text, 28, style);
  return text + fmt::format("\n{} questions\n", questions.size());
}

std::string questions_json(const std::vector<Question>& questions, std::uint64_t seed) {
  json::array rows;
  for (const Question& question : questions) rows.push_back(json_of(question));
  return json_line({{"schema", "lab.quiz/1"}, {"seed", seed}, {"questions", rows}});
}

std::string result_text(const QuizResult& result, const TextStyle& style) {
  const auto row = [&](const char* tag, const std::string& text) { return tagged(tag, text, style, 10); };
  std::string text = fmt::format("{} of {} right ({:.0f} %), seed {}\n", result.right(),
                                 result.questions.size(), std::floor(result.score() * 100), result.seed);
  std::vector<std::string> unanswered;
  std::map<std::string, std::string> said;  // a reason that several questions share is given once
  for (std::size_t i = 0; i < result.questions.size(); ++i) {
    const Question& question = result.questions[i];
    const Grade& grade = result.grades[i];
    if (grade.given.empty()) unanswered.push_back(question.id);
    if (grade.right || grade.given.empty()) continue;
    const auto [first, fresh] = said.emplace(question.why, question.id);
    text += "\n" + text_lines(fmt::format("{}: {}", question.id, question.source), "", 4, style);
    text += row("asked", question.text);
    // A choice is a sentence of its own, and so is what is wrong with it.
    text += question.choices.empty() ? row("you said", grade.given + ": " + grade.mistake())
                                     : row("you said", grade.given) + row("but", grade.mistake());
    text += row("right is", right_answer(question));
    text += row("because", fresh ? question.why : "see " + first->second) + row("see it", question.proof);
  }
  if (!unanswered.empty()) text += "\n" + text_lines("not answered: " + join(unanswered, ", "), "", 2, style);
  return text + result.verdict();
}

std::string result_json(const QuizResult& result) {
  json::array rows;
  for (std::size_t i = 0; i < result.questions.size(); ++i) {
    const Question& question = result.questions[i];
    const Grade& grade = result.grades[i];
    json::object& object = rows.emplace_back(json_of(question)).as_object();
    object["given"] = json_text_or_null(grade.given);
    object["right"] = grade.right;
    object["answer"] = right_answer(question);
    object["misconception"] = json_text_or_null(grade.misconception);
    object["why"] = question.why;
    object["proof"] = question.proof;
  }
  const auto unanswered = std::ranges::count(result.grades, "", &Grade::given);
  return json_line({{"schema", "lab.quiz/1"},
                    {"seed", result.seed},
                    {"asked", result.questions.size()},
                    {"answered", std::ssize(result.grades) - unanswered},
                    {"right", result.right()},
                    {"score", result.score()},
                    {"passed", result.pass ? json::value(result.passed()) : json::value(nullptr)},
                    {"results", rows}});
}

QuizFile parse_quiz(std::string_view toml, const std::string& file) {
  auto written = read_described<WrittenQuiz>(toml, file);
  QuizFile quiz{{}, std::move(written.measured), std::move(written.easy), std::move(written.hard)};
  for (const WrittenQuestion& question : written.questions)
    quiz.questions.push_back(question_of(question, file));
  return quiz;
}

const QuizFile& quiz_file() {
  static const QuizFile kFile = parse_quiz(kQuizText, "results/quiz.toml");
  return kFile;
}

int QuizFile::level_of(const std::string& id) const {
  return contains(easy, id) ? 1 : contains(hard, id) ? 3 : 2;
}

const Arm& arm_of(const Scenario& scenario, const Ask& ask) {
  return *std::ranges::find(scenario.arms, ask.answer_arm, &Arm::id);
}

const Case& case_of(const Scenario& scenario, const Ask& ask) {
  const auto found = std::ranges::find(scenario.cases, ask.answer_case, &Case::id);
  return found == scenario.cases.end() ? scenario.cases.front() : *found;
}

std::optional<double> ask_the_model(const Scenario& scenario, const Ask& ask, const Arm& arm,
                                    const ModelMachine& machine) {
  const Case& load_case = case_of(scenario, ask);
  if (load_case.requests() > kMaxSimulated) return std::nullopt;
  const int cores = machine.cores > 0 ? machine.cores : available_cores();
  const RunRepetition run = simulate_repetition(scenario, arm, load_case, cores, 1, machine.seed, true);
  return evaluate(ask.answer, run, scenario.routes, load_case);
}

std::vector<Question> questions_of(const Scenario& scenario, const std::vector<MeasuredAnswer>& measured,
                                   const ModelMachine& machine, const std::string& path) {
  std::vector<Question> questions;
  std::vector<std::string> before;
  for (const Ask& ask : scenario.asks) {
    Question question;
    question.ask = before.size();
    question.id = fmt::format("{}-{}", scenario.name, *question.ask + 1);
    question.context = context_of(scenario, ask);
    question.context.insert(question.context.end(), before.begin(), before.end());
    before.push_back("asked before: " + ask.text);
    question.number.is_time = ask.answer.is_time();
    question.number.wrong = ask.wrong;
    const auto known = std::ranges::find(measured, question.id, &MeasuredAnswer::ask);
    if (known != measured.end()) {
      question.number.low = known->from.value;
      question.number.high = known->to.value;
      question.number.usual = known->usual;
    } else if (const auto right = ask_the_model(scenario, ask, arm_of(scenario, ask), machine)) {
      accept_around(*right, question.number);
    } else {
      continue;
    }
    question.documents = documents_of(scenario.sources);
    question.source = join(scenario.sources, "; ");
    question.topic = topic_of(scenario);
    question.scenario = scenario.name;
    question.text = ask.text;
    question.why = scenario.explain.text;
    question.proof = proof_of(scenario, ask, path);
    questions.push_back(std::move(question));
  }
  return questions;
}

std::vector<Question> scenario_questions(const std::function<void(const Error&)>& broken) {
  std::vector<Question> all;
  for (const std::string& name : scenario_names()) {
    const auto scenario = load_scenario(name, known_modes());
    if (!scenario && broken) broken(scenario.error());
    if (!scenario) continue;
    const std::vector<Question> own = questions_of(*scenario);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<Question> questions_in(const Scenario& own, const std::string& path) {
  const auto shipped = load_scenario(own.name, known_modes());
  const bool as_shipped = shipped && shipped->source == own.source;
  std::vector<Question> questions =
      as_shipped ? questions_of(own, quiz_file().measured, {}, path) : questions_of(own, {}, {}, path);
  refuse_if(questions.empty(), "{}: asks nothing that can be graded; add an [[ask]], see scenarios/README.md",
            path);
  return questions;
}

}  // namespace lab
