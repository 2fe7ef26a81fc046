#include "lab/course/grade.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <set>

#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

constexpr double kNear = 0.12;  // of the right answer, of which a tenth is accepted
constexpr double kSame = 0.1;   // of another mistake, which 5 % on either side name

std::string or_none(const std::string& words) {
  return words.empty() ? "none" : words;
}

std::string changes_in(const Overrides& settings) {
  return or_none(describe_changes(settings));
}

/// The question as it is asked of any numbers: `workers-4, burst-41, here with 3 workers: what is …?`
std::string general_text(const Problem& problem, const Ask& ask) {
  std::string subject = ask.answer_arm;
  if (problem.scenario.cases.size() > 1) subject += ", " + case_of(problem.scenario, ask).id;
  const int workers = arm_of(problem.scenario, ask).workers;
  if (problem.settings.workers && workers > 1) subject += fmt::format(", here with {} workers", workers);
  const Stat& answer = ask.answer;
  if (answer == Stat{}) return subject + ": when is the last request answered?";
  if (answer.quantity != Stat::Quantity::latency || answer.aggregate != Stat::Aggregate::max)
    return fmt::format("{}: what is {}?", subject, to_string(answer));
  return fmt::format("{}: how long does the slowest {} wait for its answer?", subject,
                     answer.route.empty() ? "request" : answer.route);
}

/// The words of an [[ask]] speak of the scenario's own numbers, so changed ones are asked for in general.
void ask_in_general(const Problem& problem, const Ask& ask, Question& question) {
  std::erase_if(question.context, [&](const std::string& line) {
    return line == problem.scenario.question || line.starts_with("asked before: ");
  });
  question.text = general_text(problem, ask);
  question.why.clear();
  question.proof = fmt::format("{} --arms {}", problem.command(), ask.answer_arm);
}

/// All that the handler waits and computes before its reply, as if nothing overlapped.
Nanos added_up(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) {
    const auto* repeat = step.as<Repeat>();
    const auto inside = [&](const auto& action) {
      using Action = std::decay_t<decltype(action)>;
      if constexpr (requires { action.duration; }) sum += action.duration;
      return std::is_same_v<Action, Repeat> || std::is_same_v<Action, Pooled> ||
             std::is_same_v<Action, Gather>;
    };
    if (!std::visit(inside, step.action)) continue;
    for (const Plan* steps : nested_plans(step))
      sum += (repeat != nullptr ? repeat->times : 1) * added_up(*steps);
  }
  return sum;
}

/// What the answers say of the problem must be what is graded.
void agree(const Problem& problem, const AnswerFile& answers) {
  const ModelMachine& machine = problem.machine;
  refuse_if(std::filesystem::path(answers.scenario).stem() != problem.scenario.name,
            "the answers are to scenario '{}', not to '{}'", answers.scenario, problem.scenario.name);
  refuse_if(!problem.student.empty() && answers.student != problem.student, "the answers are {}'s, not {}'s",
            answers.student.empty() ? "nobody" : answers.student, problem.student);
  refuse_if(!answers.variant.empty() && problem.variant.empty(),
            "the answers are to variant {}; grade them with the --secret-file it was made with",
            answers.variant);
  refuse_if(!answers.variant.empty() && answers.variant != problem.variant,
            "the answers are to variant {}, but {}'s is {}: the id or the secret differs", answers.variant,
            problem.student, problem.variant);
  refuse_if(answers.settings != Overrides{} && answers.settings != problem.settings,
            "the answers are to other settings ({}) than the problem's ({})", changes_in(answers.settings),
            changes_in(problem.settings));
  refuse_if(answers.seed.value_or(machine.seed) != machine.seed,
            "the answers are to seed {}, the problem has {}", answers.seed.value_or(0), machine.seed);
  const int cores = answers.cores.value_or(machine.cores);
  refuse_if(!problem.variant.empty() && cores != machine.cores,
            "the answers are to {} cores, a variant is about {}", cores, machine.cores);
}

/// What the student measured for this question, of our own servers where there are several engines.
std::optional<double> measured(const Problem& problem, const Ask& ask, const Run& run) {
  const Case& load_case = case_of(problem.scenario, ask);
  std::vector<double> values;
  for (const RunRepetition& repetition : run.repetitions) {
    if (repetition.engine != kNative || repetition.arm != ask.answer_arm ||
        repetition.case_id != load_case.id)
      continue;
    if (const auto value = evaluate(ask.answer, repetition, problem.scenario.routes, load_case))
      values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return summarise(std::move(values)).median;
}

/// Whether the run is whole, and one of that problem.
void check_same(const Problem& problem, const Run& run, const Overrides& settings) {
  const RunHeader& header = run.header;
  const Scenario& scenario = problem.scenario;
  if (!run.damage.empty())
    throw Failure(usage_error("its record was damaged or altered: {}", run.damage.front()));
  refuse_if(!run.summary.complete, "it is incomplete: {}; run it to its end", or_none(run.summary.reason));
  refuse_if(run.repetitions.empty(), "nothing was measured in it");
  refuse_if(header.scenario != scenario.name, "it is of scenario '{}'; the answers are to '{}'",
            header.scenario, scenario.name);
  refuse_if(header.scenario_source != scenario.source,
            "it was made with another text of scenario '{}' (lab {}); run it again with {}", header.scenario,
            header.version, problem.command());
  Overrides asked = settings;
  asked.arms.clear();
  asked.cases.clear();
  asked.modes.clear();
  refuse_if(asked != problem.settings, "it was made with other settings ({}) than the problem's ({}); run {}",
            changes_in(asked), changes_in(problem.settings), problem.command());
}

/// A figure below what plan and load allow was not measured by an honest clock.
void check_possible(const RecordedRun& recorded) {
  for (const ArmReport& arm : make_report(recorded.scenario, recorded.run).arms) {
    refuse_if(arm.verdict == Verdict::instrument_fault,
              "arm {} has a makespan below its bound, which cannot have been measured", arm.arm);
  }
}

namespace json = boost::json;

/// A value of the file; everything that is wrong with it is thrown with its place.
class AnswerField {
 public:
  AnswerField(const std::string& file, std::string key, const json::value& value)
      : file_(file), key_(std::move(key)), value_(value) {}

  template <class... Args>
  void refuse_if(bool wrong, fmt::format_string<Args...> text, Args&&... args) const {
    lab::refuse_if(wrong, "{}: {}", file_, fmt::format(text, std::forward<Args>(args)...));
  }

  std::string word() const {
    constexpr std::size_t kLongestWord = 200;
    refuse_if(!value_.is_string(), "\"{}\" must be a text", key_);
    std::string text(value_.as_string());
    refuse_if(text.empty() || text.size() > kLongestWord, "\"{}\" must have 1 to {} letters", key_,
              kLongestWord);
    return text;
  }

  std::int64_t count(std::int64_t least, std::int64_t most) const {
    boost::system::error_code error;
    const auto number = value_.is_number() ? value_.to_number<std::int64_t>(error) : 0;
    refuse_if(!value_.is_number() || error || number < least || number > most,
              "\"{}\" must be a whole number from {} to {}", key_, least, most);
    return number;
  }

  double number() const {
    refuse_if(!value_.is_number(), "\"{}\" must be a number", key_);
    return value_.to_number<double>();
  }

  /// As one would type it: `3 s`.
  std::string answer() const {
    if (value_.is_null()) return "";
    if (value_.is_string()) return std::string(value_.as_string());
    if (value_.is_number()) return fmt::format("{}", number());
    const json::object empty;
    const json::object& object = value_.is_object() ? value_.get_object() : empty;
    refuse_if(!object.contains("value"),
              R"("{0}": write "3 s" or {{"value": 3, "unit": "s"}}; null is no answer)", key_);
    for (const auto& [name, value] : object) refuse_unknown(name, {"value", "unit"}, "\"" + key_ + "\"");
    const double amount = AnswerField(file_, key_ + ".value", object.at("value")).number();
    const json::value* unit = object.if_contains("unit");
    const bool bare = unit == nullptr || unit->is_null() || *unit == "";
    return fmt::format("{}{}", amount, bare ? "" : AnswerField(file_, key_ + ".unit", *unit).word());
  }

  Overrides settings() const {
    refuse_if(!value_.is_object(),
              R"("settings" must be an object such as {{"d": "200ms", "requests": 13}})");
    Overrides settings;
    for (const auto& [name, value] : value_.get_object()) {
      const AnswerField setting(file_, name, value);
      if (name == "requests") {
        settings.requests = setting.count(1, 10'000'000);
      } else if (name == "workers") {
        settings.workers = static_cast<int>(setting.count(1, 10'000));
      } else if (name == "threads") {
        settings.threads = static_cast<int>(setting.count(1, 100'000));
      } else if (name == "scale") {
        settings.scale = setting.number();
        refuse_if(!(settings.scale > 0 && settings.scale <= 1000), "\"scale\" must be above 0, at most 1000");
      } else {
        const auto span = parse_duration(setting.word());
        if (!span) refuse_if(true, "\"settings\": {}: {}", setting.key_, span.error().message);
        settings.params[name] = *span;
      }
    }
    return settings;
  }

  void refuse_unknown(std::string_view key, const std::vector<std::string>& keys,
                      const std::string& where) const {
    refuse_if(!contains(keys, key), "{}: unknown key \"{}\"{}", where, key.substr(0, 60),
              suggestion(key, keys));
  }

 private:
  const std::string& file_;
  std::string key_;
  const json::value& value_;
};

/// The first key that an object of this JSON text has twice, of which parsers keep one without a word; empty
/// where there is none. The text must be valid JSON.
std::string_view key_that_stands_twice(std::string_view json) {
  std::vector<std::set<std::string_view>> keys;  // of the objects and arrays that are open
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '{' || json[at] == '[') keys.emplace_back();
    if (json[at] == '}' || json[at] == ']') keys.pop_back();
    if (json[at] != '"') continue;
    const std::size_t begin = at + 1;
    for (++at; json[at] != '"'; ++at) at += json[at] == '\\' ? 1 : 0;
    const std::string_view word = json.substr(begin, at - begin);
    const std::size_t next = std::min(json.find_first_not_of(" \t\r\n", at + 1), json.size() - 1);
    if (json[next] == ':' && !keys.back().insert(word).second) return word;
  }
  return "";
}

/// `line:column`, from 1.
std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::ranges::count(before, '\n');
  return fmt::format("{}:{}", lines + 1, at - (before.rfind('\n') + 1) + 1);
}

}  // namespace

std::vector<NumberAnswer::Wrong> usual_mistakes(const Scenario& scenario, const Ask& ask,
                                                const NumberAnswer& number, const ModelMachine& machine) {
  std::vector<NumberAnswer::Wrong> found;
  const auto add = [&](double value, std::string say) {
    const auto near = [&](double other, double room) {
      return std::abs(value - other) <= room * std::max(std::abs(other), std::abs(value));
    };
    const auto same = [&](const NumberAnswer::Wrong& wrong) { return near(wrong.value, kSame); };
    if (!std::isfinite(value) || value < 0 || near(number.right, kNear)) return;
    if (value >= number.low && value <= number.high) return;
    if (std::ranges::any_of(number.wrong, same)) return;
    if (std::ranges::any_of(found, same)) return;
    found.push_back({value, std::move(say)});
  };
  const Arm& arm = arm_of(scenario, ask);
  const auto add_modelled = [&](const Ask& asked, const Arm& other, std::string say) {
    if (const auto value = ask_the_model(scenario, asked, other, machine)) add(*value, std::move(say));
  };
  if (number.is_time) {
    const Load& load = case_of(scenario, ask).loads.front();
    const Plan& plan = scenario.routes[load.route].plan;
    const double alone = seconds(unhindered_time(plan));
    const double all = seconds(added_up(plan));
    const auto n = static_cast<double>(load.requests);
    if (n > 1) {
      add(n * alone,
          fmt::format("you added up what all {} requests take, as if each waited for the one before.",
                      load.requests));
      add(alone,
          fmt::format("that is one request alone; what do the other {} hold meanwhile?", load.requests - 1));
      if (arm.workers > 1) {
        add(n * alone / arm.workers,
            fmt::format("you divided the sum by {} workers, but a request is served whole by one of them.",
                        arm.workers));
      }
      add(alone / n, "you divided one request by their number; what overlaps does not become shorter.");
    }
    add(all, "you added the waits; these overlap.");
    if (all > alone) add(alone, "that is the longest of the waits alone, as if all of them overlapped.");
    const bool makespan = ask.answer.quantity == Stat::Quantity::makespan;
    if (makespan || ask.answer.aggregate == Stat::Aggregate::max) {
      Ask mean = ask;
      if (makespan) mean.answer.quantity = Stat::Quantity::latency;
      mean.answer.aggregate = Stat::Aggregate::mean;
      add_modelled(mean, arm, "that is the mean; the question is about the last and slowest.");
    }
  }
  for (const Arm& other : scenario.arms) {
    if (other.id != arm.id)
      add_modelled(ask, other, fmt::format("that is what {} ({}) gives.", other.id, other.label));
  }
  return found;
}

Problem make_problem(const ProblemSource& source) {
  Problem problem{source, load_scenario(source.name, known_modes(), source.settings).value()};
  const Scenario& scenario = problem.scenario;
  std::vector<Question> questions = questions_of(scenario, quiz_file().measured, source.machine);
  for (Question& question : questions) {
    const Ask& ask = scenario.asks[*question.ask];
    if (source.settings != Overrides{}) ask_in_general(problem, ask, question);
    NumberAnswer& number = question.number;
    if (!number.usual.empty()) continue;
    const auto more = usual_mistakes(scenario, ask, number, source.machine);
    number.wrong.insert(number.wrong.end(), more.begin(), more.end());
  }
  refuse_if(questions.empty() && !scenario.asks.empty(),
            "the model gives no answer to scenario '{}' with {}; take smaller numbers", scenario.name,
            changes_in(source.settings));
  std::vector<Question> known = questions;
  known.insert(known.end(), quiz_file().questions.begin(), quiz_file().questions.end());
  if (!source.only.empty()) questions = select(known, {"", "", "", source.only});
  refuse_if(questions.empty(), "scenario '{}' asks nothing that could be graded; it needs an [[ask]]",
            scenario.name);
  for (Question& question : questions) {
    order_choices(question, source.machine.seed);
    // `lab run NAME …` with the scenario as the reader can name it.
    const std::size_t at = question.proof.find(" " + scenario.name);
    if (question.scenario == scenario.name && at != std::string::npos)
      question.proof.replace(at + 1, scenario.name.size(), source.name);
  }
  problem.known = ids_of(known);
  problem.questions = std::move(questions);
  return problem;
}

GradeSheet grade_answers(Problem problem, const AnswerFile& answers) {
  agree(problem, answers);
  const std::vector<std::string> ids = ids_of(problem.questions);
  GradeSheet sheet;
  sheet.grades.resize(ids.size());
  sheet.measured.resize(ids.size());
  for (const auto& [id, given] : answers.answers) {
    const auto at = std::ranges::find(ids, id);
    if (at == ids.end()) {
      refuse_if(!contains(problem.known, id), "answers: there is no question '{}' here{}", id.substr(0, 60),
                suggestion(id, ids));
      sheet.left_out.push_back(id);
      continue;
    }
    const auto index = static_cast<std::size_t>(at - ids.begin());
    const Question& question = problem.questions[index];
    // A quiz of another seed shows the choices in another order.
    const bool is_number = !given.empty() && given.find_first_not_of("0123456789") == std::string::npos;
    refuse_if(!question.choices.empty() && !answers.seed && is_number,
              "{}: choice {} of which quiz? Write the choice's text, or the quiz's \"seed\" into the file",
              id, given.substr(0, 20));
    sheet.grades[index] = grade(question, given).value();
  }
  sheet.problem = std::move(problem);
  return sheet;
}

std::vector<std::optional<double>> figures_of(const Problem& problem, const std::filesystem::path& path) {
  std::vector<std::optional<double>> figures(problem.questions.size());
  try {
    const RecordedRun recorded = read_recorded(path);
    check_same(problem, recorded.run, recorded.options);
    check_possible(recorded);
    for (std::size_t i = 0; i < figures.size(); ++i) {
      if (const auto ask = problem.questions[i].ask)
        figures[i] = measured(problem, problem.scenario.asks[*ask], recorded.run);
    }
  } catch (const Failure& failure) {
    const std::string& message = failure.error().message;
    const std::string place = message.starts_with(path.string()) ? "" : path.string() + ": ";
    throw Failure(usage_error("--run: {}{}", place, message));
  }
  return figures;
}

std::string Problem::command() const {
  std::string command = "lab run " + name;
  for (const auto& [param, value] : settings.params)
    command += fmt::format(" --set {}={}", param, format_duration_literal(value));
  if (settings.requests) command += fmt::format(" --requests {}", *settings.requests);
  if (settings.workers) command += fmt::format(" --workers {}", *settings.workers);
  if (settings.threads) command += fmt::format(" --threads {}", *settings.threads);
  if (settings.scale != 1) command += fmt::format(" --scale {:g}", settings.scale);
  return command;
}

AnswerFile parse_answer_file(std::string_view text, const std::string& file) {
  boost::system::error_code error;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // as Windows' editor begins a file
  json::stream_parser parser;
  const std::size_t read_so_far = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  refuse_if(error && valid_utf8(text) != text, "{}: is not UTF-8; save it as UTF-8", file);
  refuse_if(error.failed(), "{}:{}: is not JSON: {}", file, place_of(text, read_so_far), error.message());
  const json::value document = parser.release();
  const std::string_view twice = key_that_stands_twice(text);
  refuse_if(!twice.empty(), "{}: \"{}\" stands twice in one object; leave one", file, twice.substr(0, 60));
  const json::value* schema = document.is_object() ? document.get_object().if_contains("schema") : nullptr;
  refuse_if(
      schema == nullptr || *schema != "lab.answers/1",
      "{}: is no answer file of this version: it must be a JSON object with \"schema\": \"lab.answers/1\"{}",
      file, schema == nullptr ? "" : fmt::format(", not {}", json::serialize(*schema).substr(0, 40)));
  AnswerFile answers;
  for (const auto& [name, value] : document.get_object()) {
    const std::string key(name);
    const AnswerField field(file, key, value);
    field.refuse_unknown(key,
                         {"schema", "scenario", "seed", "student", "variant", "cores", "settings", "answers"},
                         "the answer file");
    if (key == "scenario") answers.scenario = field.word();
    if (key == "seed") answers.seed = field.count(0, INT64_MAX);
    if (key == "student" && !value.is_null()) answers.student = field.word();
    if (key == "variant" && !value.is_null()) answers.variant = field.word();
    if (key == "cores") answers.cores = static_cast<int>(field.count(1, 4096));
    if (key == "settings") answers.settings = field.settings();
    if (key != "answers") continue;
    field.refuse_if(!value.is_object(), R"("answers" must be an object such as {{"gil-1": "400 ms"}})");
    for (const auto& [id, given] : value.get_object())
      answers.answers.emplace_back(id, AnswerField(file, id, given).answer());
  }
  refuse_if(answers.scenario.empty(), R"({}: "scenario" is missing, such as "blocking-async")", file);
  refuse_if(!document.get_object().contains("answers"), R"({}: "answers" is missing)", file);
  return answers;
}

}  // namespace lab
