#include "lab/cli/options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "lab/cli/words.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr Word<bool> kConnections[] = {{"opened", false}, {"fresh", true}};
constexpr Word<const char*> kEngines[] = {
    {kNative, kNative}, {kFastapi, kFastapi}, {kNode, kNode}, {kRecorded, kRecorded}, {kModel, kModel}};

Error with_option(const char* option, const Error& error) {
  return {error.kind, fmt::format("{}: {}", option, error.message)};
}

Result<Nanos> duration_option(const char* option, const std::string& text) {
  auto duration = parse_duration(text);
  if (!duration) return with_option(option, duration.error());
  return duration;
}

Result<double> number_option(const char* option, const std::string& text, double above, double most) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return usage_error("{}: '{}' is not a number", option, text);
  }
  if (value <= above || value > most) {
    return usage_error("{}: {} is out of range; give more than {} and at most {}", option, text, above, most);
  }
  return value;
}

/// `form`: what was expected, with an example.
Result<std::pair<std::string, Nanos>> assignment(const char* option, const std::string& text,
                                                 const char* form) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) return usage_error("{}: '{}' is not {}", option, text, form);
  auto value = duration_option(option, text.substr(at + 1));
  if (!value) return value.error();
  return std::pair{std::string(trim(std::string_view(text).substr(0, at))), *value};
}

/// Fills `target` from `text` where the option was given.
template <class Target, class Parse>
Result<void> given(const std::string& text, Target& target, Parse parse) {
  if (text.empty()) return {};
  auto value = parse(text);
  if (!value) return value.error();
  target = static_cast<Target>(*value);
  return {};
}

Result<Overrides> check_overrides(const RawRunOptions& raw) {
  Overrides overrides;
  overrides.arms = raw.arms;
  overrides.cases = raw.cases;
  overrides.modes = raw.modes;
  for (const std::string& setting : raw.settings) {
    auto parsed = assignment("--set", setting, "NAME=DURATION, as d=1s");
    if (!parsed) return parsed.error();
    overrides.params.insert_or_assign(parsed->first, parsed->second);
  }
  std::int64_t requests = 0;
  int workers = 0;
  int threads = 0;
  Nanos delay = 0;
  double rate = 0;
  Nanos duration = 0;
  Arrivals arrivals{};
  bool fresh = false;
  const auto counted = [](const char* option, std::int64_t most) {
    return [option, most](const std::string& text) { return parse_count(option, text, 1, most); };
  };
  const Result<void> steps[] = {
      given(raw.requests, requests, counted("--requests", 10'000'000)),
      given(raw.workers, workers, counted("--workers", 10'000)),
      given(raw.threads, threads, counted("--threads", 100'000)),
      given(raw.delay, delay, [](const std::string& text) { return duration_option("--delay", text); }),
      given(raw.rate, rate, [](const std::string& text) { return number_option("--rate", text, 0, 10e6); }),
      given(raw.duration, duration,
            [](const std::string& text) { return duration_option("--duration", text); }),
      given(raw.scale, overrides.scale,
            [](const std::string& text) { return number_option("--scale", text, 0, 1000); }),
      given(raw.arrivals, arrivals,
            [](const std::string& text) { return pick("--arrivals", text, kArrivalWords); }),
      given(raw.connections, fresh,
            [](const std::string& text) { return pick("--connections", text, kConnections); }),
  };
  for (const Result<void>& step : steps) {
    if (!step) return step.error();
  }
  if (!raw.requests.empty()) overrides.requests = requests;
  if (!raw.workers.empty()) overrides.workers = workers;
  if (!raw.threads.empty()) overrides.threads = threads;
  if (!raw.delay.empty()) overrides.params.insert_or_assign("d", delay);
  if (!raw.rate.empty()) overrides.rate = rate;
  if (!raw.duration.empty()) overrides.duration = duration;
  if (!raw.arrivals.empty()) overrides.arrivals = arrivals;
  if (!raw.connections.empty()) overrides.fresh_connections = fresh;
  return overrides;
}

/// An empty value is not the same as no option; CLI11 itself takes it.
CLI::Validator not_empty() {
  return {[](std::string& text) { return text.empty() ? std::string("the value is empty") : std::string(); },
          ""};
}

}  // namespace

Result<std::int64_t> parse_count(const std::string& option, const std::string& text, std::int64_t least,
                                 std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc::invalid_argument ||
      (problem == std::errc() && end != text.data() + text.size())) {
    return usage_error("{}: '{}' is not a whole number", option, text.substr(0, 40));
  }
  if (problem != std::errc() || value < least || value > most) {
    return usage_error("{}: {} is out of range; give {} to {}", option, text.substr(0, 40), least, most);
  }
  return value;
}

Result<double> parse_share(const std::string& option, const std::string& text) {
  const bool percent = text.ends_with('%');
  const std::string digits = text.substr(0, text.size() - (percent ? 1 : 0));
  double value = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (percent) value /= 100;
  if (problem != std::errc() || end != digits.data() + digits.size() || !(value >= 0 && value <= 1))
    return usage_error("{}: '{}' is no share; write 80% or 0.8", option, text.substr(0, 40));
  return value;
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& text, const std::string& help) {
  return app.add_option(name, text, help)->check(not_empty());
}

CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help) {
  return app.add_option(name, texts, help)->check(not_empty());
}

void add_scenario_options(CLI::App& app, RawRunOptions& raw) {
  add_texts(app, "scenario", raw.scenarios, "names, or paths to .toml files")
      ->required()
      ->type_name("SCENARIO");
  add_texts(app, "--arms", raw.arms, "only these arms")->delimiter(',')->type_name("ARM,ARM");
  add_texts(app, "--case", raw.cases, "only these cases")->delimiter(',')->type_name("CASE,CASE");
  add_texts(app, "--modes", raw.modes, "only arms of these execution models")
      ->delimiter(',')
      ->type_name("MODE,MODE");
  add_text(app, "--requests", raw.requests, "requests of every burst and closed load")->type_name("N");
  add_text(app, "--delay", raw.delay, "the scenario's d, as 100ms")->type_name("DURATION");
  add_text(app, "--workers", raw.workers, "of arms that have several")->type_name("W");
  add_text(app, "--threads", raw.threads, "of arms that have a pool or threads")->type_name("P");
  add_texts(app, "--set", raw.settings, "a parameter, as d=1s")
      ->type_name("NAME=DURATION")
      ->allow_extra_args(false);
  add_text(app, "--seed", raw.seed, "of arrivals, dealing and the order of arms (42)")->type_name("S");
  add_text(app, "--scale", raw.scale, "multiplies waits, CPU work, periods and durations")->type_name("F");
  add_text(app, "--arrivals", raw.arrivals, "burst, closed, constant, poisson or staggered")
      ->type_name("KIND");
  add_text(app, "--rate", raw.rate, "requests per second of constant and poisson loads")->type_name("R");
  add_text(app, "--duration", raw.duration, "of constant and poisson loads")->type_name("DURATION");
  add_text(app, "--connections", raw.connections, "opened or fresh: before the load, or with it")
      ->type_name("KIND");
}

void add_experiment_options(CLI::App& app, RawRunOptions& raw) {
  add_texts(app, "--engine", raw.engines, "native, fastapi, node, recorded or model")
      ->delimiter(',')
      ->type_name("A,B");
  add_texts(app, "--server", raw.servers, "a server of your own as one more arm, as 'node server.js {port}'")
      ->type_name("COMMAND")
      ->allow_extra_args(false);
  add_text(app, "--ready", raw.ready, "what --server is asked until it answers below 500, as /health")
      ->type_name("URL");
  add_text(app, "--python", raw.python, "the interpreter of --engine fastapi (/usr/bin/python3)")
      ->type_name("PATH");
  add_text(app, "--repeat", raw.repeat, "repetitions of every arm (what fits the budget, at most 6)")
      ->type_name("K");
  app.add_flag("--quick", raw.quick, "one repetition");
  add_text(app, "--budget", raw.budget, "time for all repetitions, as 30s")->type_name("DURATION");
  add_texts(app, "--guess", raw.guesses, "a prediction, as async-loop=1s")
      ->type_name("ARM=DURATION")
      ->allow_extra_args(false);
  app.add_flag("--ask", raw.ask, "ask for a prediction before results are shown (on a terminal)");
  app.add_flag("--check", raw.check, "exit 1 where a check of the scenario fails");
  add_text(app, "--postgres", raw.postgres, "a server for query steps: a connection string, or local")
      ->type_name("URL");
  add_text(app, "--save", raw.save, "keep the run in this folder")->type_name("DIR");
  app.add_flag("--no-save", raw.no_save, "keep no run");
}

Result<RunOptions> check_run_options(const RawRunOptions& raw) {
  RunOptions options;
  options.scenarios = raw.scenarios;
  auto output = check_output_options(raw.output);
  if (!output) return output.error();
  options.output = *output;
  auto overrides = check_overrides(raw);
  if (!overrides) return overrides.error();
  options.overrides = *overrides;
  ExperimentOptions& experiment = options.experiment;
  if (!raw.engines.empty()) experiment.engines.clear();
  for (const std::string& name : raw.engines) {
    auto engine = pick("--engine", name, kEngines);
    if (!engine) return engine.error();
    if (!experiment.uses(*engine)) experiment.engines.emplace_back(*engine);
  }
  int repeat = 0;
  const Result<void> steps[] = {
      given(raw.repeat, repeat,
            [](const std::string& text) { return parse_count("--repeat", text, 1, 1000); }),
      given(raw.budget, experiment.budget,
            [](const std::string& text) { return duration_option("--budget", text); }),
      given(raw.seed, experiment.seed,
            [](const std::string& text) { return parse_count("--seed", text, 0, INT64_MAX); }),
  };
  for (const Result<void>& step : steps) {
    if (!step) return step.error();
  }
  if (repeat > 0) experiment.repetitions = repeat;
  options.own_budget = !raw.budget.empty();
  if (experiment.budget == 0) return usage_error("--budget: 0 is no time; give for example 15s, or --quick");
  experiment.quick = raw.quick;
  experiment.postgres = raw.postgres;
  experiment.as_written = describe_changes(options.overrides).empty();
  experiment.foreign.servers = raw.servers;
  experiment.foreign.ready = raw.ready;
  if (!raw.python.empty()) experiment.foreign.python = raw.python;
  if (!raw.servers.empty()) experiment.engines.emplace_back(kServer);
  if (!raw.ready.empty() && raw.servers.empty())
    return usage_error("--ready belongs to --server 'COMMAND {{port}}'; give both");
  if (!raw.python.empty() && !experiment.uses(kFastapi))
    return usage_error("--python is the interpreter of FastAPI; add fastapi to --engine");
  if (raw.quick && repeat > 1) return usage_error("--quick and --repeat exclude each other; give one");
  for (const std::string& text : raw.guesses) {
    auto guess = assignment("--guess", text, "ARM=DURATION, as async-loop=1s");
    if (!guess) return guess.error();
    options.guesses.push_back({guess->first, seconds(guess->second)});
  }
  options.ask = raw.ask;
  options.check = raw.check;
  if (raw.check && !experiment.uses(kNative)) {
    return usage_error("--check compares what was measured with the model; add native to --engine");
  }
  options.no_save = raw.no_save;
  if (!raw.save.empty()) options.save = raw.save;
  if (raw.no_save && options.save) return usage_error("--save and --no-save exclude each other; give one");
  return options;
}

Result<Overrides> overrides_from(const std::vector<std::string>& arguments) {
  CLI::App app;
  RawRunOptions raw;
  add_scenario_options(app, raw);
  std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
  reversed.emplace_back("recorded");  // the scenario's name, which is known from elsewhere
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return usage_error("the run's recorded options cannot be read: {}", error.what());
  }
  return check_overrides(raw);
}

std::vector<std::string> to_arguments(const RawRunOptions& raw) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) arguments.push_back(fmt::format("{}={}", option, value));
  };
  add("--arms", join(raw.arms, ","));
  add("--case", join(raw.cases, ","));
  add("--modes", join(raw.modes, ","));
  add("--requests", raw.requests);
  add("--delay", raw.delay);
  add("--workers", raw.workers);
  add("--threads", raw.threads);
  for (const std::string& setting : raw.settings) add("--set", setting);
  add("--scale", raw.scale);
  add("--arrivals", raw.arrivals);
  add("--rate", raw.rate);
  add("--duration", raw.duration);
  add("--connections", raw.connections);
  return arguments;
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

}  // namespace lab
