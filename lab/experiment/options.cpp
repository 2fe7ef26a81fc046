#include "lab/experiment/options.hpp"

#include <algorithm>

#include "lab/core/duration.hpp"
#include "lab/core/option_values.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr Word<const char*> kEngineWords[] = {
    {kNative, kNative}, {kFastapi, kFastapi}, {kNode, kNode}, {kRecorded, kRecorded}, {kModel, kModel}};

/// Puts a value where it belongs, or hands its error on.
template <class Target, class Value>
Result<void> put(Target& target, const Result<Value>& value) {
  if (!value) return value.error();
  target = static_cast<Target>(*value);
  return {};
}

template <class Target, class Value>
Result<void> put(std::optional<Target>& target, const Result<Value>& value) {
  if (!value) return value.error();
  target = static_cast<Target>(*value);
  return {};
}

Result<void> keep(std::string& target, const std::string& text) {
  target = text;
  return {};
}

Result<void> add_to(std::vector<std::string>& texts, const std::string& text) {
  texts.push_back(text);
  return {};
}

Result<void> set_parameter(Overrides& overrides, const std::string& name, const Result<Nanos>& value) {
  if (!value) return value.error();
  overrides.params.insert_or_assign(name, *value);
  return {};
}

Result<void> add_engine(RunOptions& options, const std::string& text) {
  const auto engine = parse_word("--engine", text, kEngineWords);
  if (!engine) return engine.error();
  ExperimentOptions& experiment = options.experiment;
  if (!options.has("engine")) experiment.engines.clear();
  if (!experiment.uses(*engine)) experiment.engines.emplace_back(*engine);
  return {};
}

using Options = RunOptions;
using Text = const std::string&;

std::vector<RunOption> make_scenario_options() {
  return {
      {"arms", "ARM,ARM", "only these arms",
       [](Options& to, Text text) { return add_to(to.overrides.arms, text); }, RunOption::list},
      {"case", "CASE,CASE", "only these cases",
       [](Options& to, Text text) { return add_to(to.overrides.cases, text); }, RunOption::list},
      {"modes", "MODE,MODE", "only arms of these execution models",
       [](Options& to, Text text) { return add_to(to.overrides.modes, text); }, RunOption::list},
      {"requests", "N", "requests of every burst and closed load",
       [](Options& to, Text text) {
         return put(to.overrides.requests, parse_count("--requests", text, 1, 10'000'000));
       },
       RunOption::once, RunOption::in_record, true},
      {"delay", "DURATION", "the scenario's d, as 100ms",
       [](Options& to, Text text) { return set_parameter(to.overrides, "d", parse_span("--delay", text)); },
       RunOption::once, RunOption::in_record, true},
      {"workers", "W", "of arms that have several",
       [](Options& to, Text text) {
         return put(to.overrides.workers, parse_count("--workers", text, 1, 10'000));
       },
       RunOption::once, RunOption::in_record, true},
      {"threads", "P", "of arms that have a pool or threads",
       [](Options& to, Text text) {
         return put(to.overrides.threads, parse_count("--threads", text, 1, 100'000));
       },
       RunOption::once, RunOption::in_record, true},
      {"set", "NAME=DURATION", "a parameter, as d=1s",
       [](Options& to, Text text) -> Result<void> {
         const auto parsed = parse_assignment("--set", text, "NAME=DURATION, as d=1s");
         if (!parsed) return parsed.error();
         return set_parameter(to.overrides, parsed->first, parsed->second);
       },
       RunOption::one_each},
      {"seed", "S", "of arrivals, dealing and the order of arms (42)",
       [](Options& to, Text text) {
         return put(to.experiment.seed, parse_count("--seed", text, 0, INT64_MAX));
       },
       RunOption::once, RunOption::in_sweep, true},
      {"scale", "F", "multiplies waits, CPU work, periods and durations",
       [](Options& to, Text text) { return put(to.overrides.scale, parse_number("--scale", text, 0, 1000)); },
       RunOption::once, RunOption::in_record, true},
      {"arrivals", "KIND", "",
       [](Options& to, Text text) {
         return put(to.overrides.arrivals, parse_word("--arrivals", text, kArrivalWords));
       },
       RunOption::once, RunOption::in_record, true, words_of(kArrivalWords)},
      {"rate", "R", "requests per second of constant and poisson loads",
       [](Options& to, Text text) { return put(to.overrides.rate, parse_number("--rate", text, 0, 10e6)); },
       RunOption::once, RunOption::in_record, true},
      {"duration", "DURATION", "of constant and poisson loads",
       [](Options& to, Text text) { return put(to.overrides.duration, parse_span("--duration", text)); },
       RunOption::once, RunOption::in_record, true},
      {"connections", "KIND", ": before the load, or with it",
       [](Options& to, Text text) {
         return put(to.overrides.fresh_connections, parse_word("--connections", text, kConnectionWords));
       },
       RunOption::once, RunOption::in_record, true, words_of(kConnectionWords)}};
}

std::vector<RunOption> make_experiment_options() {
  return {
      {"engine", "A,B", "", add_engine, RunOption::list, RunOption::in_sweep, false, words_of(kEngineWords)},
      {"server", "COMMAND", "a server of your own as one more arm, as 'node server.js {port}'",
       [](Options& to, Text text) { return add_to(to.experiment.foreign.servers, text); },
       RunOption::one_each, RunOption::in_sweep},
      {"ready", "URL", "what --server is asked until it answers below 500, as /health",
       [](Options& to, Text text) { return keep(to.experiment.foreign.ready, text); }, RunOption::once,
       RunOption::in_sweep},
      {"python", "PATH", "the interpreter of --engine fastapi (/usr/bin/python3)",
       [](Options& to, Text text) { return keep(to.experiment.foreign.python, text); }, RunOption::once,
       RunOption::in_sweep},
      {"repeat", "K", "repetitions of every arm (what fits the budget, at most 6)",
       [](Options& to, Text text) {
         return put(to.experiment.repetitions, parse_count("--repeat", text, 1, 1000));
       },
       RunOption::once, RunOption::in_sweep},
      {"quick", "", "one repetition", nullptr, RunOption::once, RunOption::in_sweep},
      {"budget", "DURATION", "time for all repetitions, as 30s",
       [](Options& to, Text text) { return put(to.experiment.budget, parse_span("--budget", text)); },
       RunOption::once, RunOption::in_sweep},
      {"guess", "ARM=DURATION", "a prediction, as async-loop=1s",
       [](Options& to, Text text) -> Result<void> {
         const auto guess = parse_assignment("--guess", text, "ARM=DURATION, as async-loop=1s");
         if (!guess) return guess.error();
         to.guesses.push_back({guess->first, seconds(guess->second)});
         return {};
       },
       RunOption::one_each, RunOption::nowhere},
      {"ask", "", "ask for a prediction before results are shown (on a terminal)", nullptr, RunOption::once,
       RunOption::nowhere},
      {"check", "", "exit 1 where a check of the scenario fails", nullptr, RunOption::once,
       RunOption::nowhere},
      {"postgres", "URL", "a server for query steps: a connection string, or local",
       [](Options& to, Text text) { return keep(to.experiment.postgres, text); }, RunOption::once,
       RunOption::nowhere},
      {"save", "DIR", "keep the run in this folder",
       [](Options& to, Text text) { return keep(to.save, text); }, RunOption::once, RunOption::nowhere},
      {"no-save", "", "keep no run", nullptr, RunOption::once, RunOption::nowhere}};
}

void append_words(const RunOptions& options, const std::vector<RunOption>& table, RunOption::Keep keep,
                  std::vector<std::string>& words) {
  for (const RunOption& option : table) {
    const auto found = options.given.find(option.name);
    if (option.keep != keep || found == options.given.end()) continue;
    const std::vector<std::string>& texts = found->second;
    if (option.many == RunOption::one_each) {
      for (const std::string& text : texts) words.push_back(fmt::format("--{}={}", option.name, text));
    } else {
      words.push_back(*option.value == '\0' ? fmt::format("--{}", option.name)
                                            : fmt::format("--{}={}", option.name, join(texts, ",")));
    }
  }
}

}  // namespace

const std::vector<RunOption>& scenario_options() {
  static const std::vector<RunOption> kTable = make_scenario_options();
  return kTable;
}

const std::vector<RunOption>& experiment_options() {
  static const std::vector<RunOption> kTable = make_experiment_options();
  return kTable;
}

const RunOption* find_run_option(const std::string& name) {
  for (const auto* table : {&scenario_options(), &experiment_options()}) {
    for (const RunOption& option : *table) {
      if (name == option.name) return &option;
    }
  }
  return nullptr;
}

Result<void> RunOptions::set(const std::string& name, const std::string& text) {
  const RunOption* option = find_run_option(name);
  if (option == nullptr) return usage_error("there is no option --{}", name);
  if (option->set != nullptr) {
    if (const auto taken = option->set(*this, text); !taken) return taken.error();
  }
  given[name].push_back(text);
  return {};
}

std::vector<std::string> RunOptions::recorded() const {
  std::vector<std::string> words;
  append_words(*this, scenario_options(), RunOption::in_record, words);
  return words;
}

std::vector<std::string> RunOptions::kept_by_sweep() const {
  std::vector<std::string> words = recorded();
  append_words(*this, scenario_options(), RunOption::in_sweep, words);
  append_words(*this, experiment_options(), RunOption::in_sweep, words);
  return words;
}

Result<RunOptions> RunOptions::read(const std::vector<std::string>& words, const std::string& what) {
  RunOptions options;
  for (const std::string& word : words) {
    const std::size_t end = std::min(word.find('='), word.size());
    const std::string name = word.starts_with("--") ? word.substr(2, end - 2) : "";
    const std::string text = end < word.size() ? word.substr(end + 1) : "";
    const RunOption* option = find_run_option(name);
    if (option == nullptr || option->keep == RunOption::nowhere)
      return usage_error("the {}'s recorded options cannot be read: {}", what, word);
    for (const std::string& one : option->many == RunOption::list ? split(text, ',') : std::vector{text}) {
      if (const auto taken = options.set(name, one); !taken) return taken.error();
    }
  }
  return options;
}

Result<void> RunOptions::check_together() {
  experiment.quick = has("quick");
  const bool own_server = !experiment.foreign.servers.empty();
  if (experiment.budget == 0) return usage_error("--budget: 0 is no time; give for example 15s, or --quick");
  experiment.as_written = describe_changes(overrides).empty();
  if (own_server && !experiment.uses(kServer)) experiment.engines.emplace_back(kServer);
  if (has("ready") && !own_server)
    return usage_error("--ready belongs to --server 'COMMAND {{port}}'; give both");
  if (has("python") && !experiment.uses(kFastapi))
    return usage_error("--python is the interpreter of FastAPI; add fastapi to --engine");
  if (experiment.quick && experiment.repetitions.value_or(1) > 1)
    return usage_error("--quick and --repeat exclude each other; give one");
  if (has("check") && !experiment.uses(kNative))
    return usage_error("--check compares what was measured with the model; add native to --engine");
  if (has("no-save") && !save.empty())
    return usage_error("--save and --no-save exclude each other; give one");
  return {};
}

std::string describe_changes(const Overrides& overrides) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : overrides.params)
    parts.push_back(fmt::format("{} = {}", name, format_duration(value)));
  if (overrides.requests) parts.push_back(fmt::format("N = {}", *overrides.requests));
  if (overrides.workers) parts.push_back(fmt::format("W = {}", *overrides.workers));
  if (overrides.threads) parts.push_back(fmt::format("P = {}", *overrides.threads));
  if (overrides.arrivals) parts.push_back(fmt::format("arrivals {}", to_string(*overrides.arrivals)));
  if (overrides.rate) parts.push_back(fmt::format("{:g} requests/s", *overrides.rate));
  if (overrides.duration) parts.push_back(fmt::format("for {}", format_duration(*overrides.duration)));
  if (overrides.fresh_connections) {
    parts.push_back(*overrides.fresh_connections ? "fresh connections" : "opened connections");
  }
  if (overrides.scale != 1) {
    parts.push_back(fmt::format(
        "scale {:g} (waits, CPU work, periods and durations; not offsets or deadlines)", overrides.scale));
  }
  return join(parts, ", ");
}

Result<Overrides> overrides_from(const std::vector<std::string>& words) {
  auto options = RunOptions::read(words, "run");
  if (!options) return options.error();
  return options->overrides;
}

}  // namespace lab
