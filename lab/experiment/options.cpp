#include "lab/experiment/options.hpp"

#include <algorithm>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr Word<const char*> kEngineWords[] = {
    {kNative, kNative}, {kFastapi, kFastapi}, {kNode, kNode}, {kRecorded, kRecorded}, {kModel, kModel}};

void take_engines(RunOptions& to, const Texts& texts) {
  ExperimentOptions& experiment = to.experiment;
  if (!to.has("engine")) experiment.engines.clear();
  for (const std::string& text : texts) {
    const std::string engine = parse_word("--engine", text, kEngineWords).value();
    if (!experiment.uses(engine)) experiment.engines.push_back(engine);
  }
}

Texts words_kept(const RunOptions& options, const OptionList& list, Option::Keep keep) {
  Texts words;
  for (const Option& option : list.options) {
    const auto found = options.given.find(option.title());
    if (option.keep != keep || found == options.given.end()) continue;
    if (option.each_with_name) {
      for (const std::string& text : found->second) words.push_back(fmt::format("{}={}", option.names, text));
    } else {
      words.push_back(option.is_flag() ? option.names
                                       : fmt::format("{}={}", option.names, join(found->second, ",")));
    }
  }
  return words;
}

}  // namespace

Texts Option::spellings() const {
  if (is_word()) return {};
  Texts all = split(names, ',');
  std::stable_partition(all.begin(), all.end(),
                        [](const std::string& name) { return name.starts_with("--"); });
  return all;
}

Option& OptionList::add(const std::string& names, const std::string& value, const std::string& help,
                        std::function<void(const Texts&)> take) {
  return options.emplace_back(Option{names, value, help, std::move(take)});
}

Option& OptionList::each(const std::string& names, const std::string& value, const std::string& help,
                         std::function<void(const std::string&)> take_one) {
  return add(names, value, help, [take_one = std::move(take_one)](const Texts& texts) {
    for (const std::string& text : texts) take_one(text);
  });
}

Option& OptionList::flag(const std::string& names, bool& target, const std::string& help) {
  return add(names, "", help, [&target](const Texts&) { target = true; });
}

Option& OptionList::text(const std::string& names, const std::string& value, std::string& target,
                         const std::string& help) {
  return add(names, value, help, [&target](const Texts& texts) { target = texts.front(); });
}

Option& OptionList::texts(const std::string& names, const std::string& value, Texts& target,
                          const std::string& help) {
  Option& made = each(names, value, help, [&target](const std::string& text) { target.push_back(text); });
  made.has_many = true;
  return made;
}

void OptionList::note_words(std::map<std::string, Texts>& given) {
  for (Option& option : options) {
    option.take = [&given, name = option.title(), take = option.take](const Texts& texts) {
      if (take) take(texts);
      given[name].insert(given[name].end(), texts.begin(), texts.end());
    };
  }
}

std::string OptionList::in_words(const Texts& words) {
  const Texts first(words.begin(), words.end() - 1);
  return words.size() == 1 ? words.front() : join(first, ", ") + " or " + words.back();
}

std::string OptionList::name_in_errors(const std::string& names) {
  return names.substr(0, names.find(','));
}

OptionList scenario_options(RunOptions& to) {
  Overrides& changed = to.overrides;
  OptionList list;
  list.texts("--arms", "ARM,ARM", changed.arms, "only these arms").list();
  list.texts("--case", "CASE,CASE", changed.cases, "only these cases").list();
  list.texts("--modes", "MODE,MODE", changed.modes, "only arms of these execution models").list();
  list.count("--requests", "N", changed.requests, 1, 10'000'000, "requests of every burst and closed load");
  list.each("--delay", "DURATION", "the scenario's d, such as 100ms", [&changed](const std::string& text) {
    changed.params.insert_or_assign("d", parse_span("--delay", text).value());
  });
  list.count("--workers", "W", changed.workers, 1, 10'000, "worker processes of the arms that have several");
  list.count("--threads", "P", changed.threads, 1, 100'000,
             "threads of the arms that have a pool or threads");
  list.each("--set", "NAME=DURATION", "a parameter, such as d=1s",
            [&changed](const std::string& text) {
              const auto [name, value] =
                  parse_assignment("--set", text, "NAME=DURATION, such as d=1s").value();
              changed.params.insert_or_assign(name, value);
            })
      .one_each();
  list.count("--seed", "S", to.experiment.seed, 0, INT64_MAX,
             "random seed of arrivals, connections and the order of arms (42)");
  list.number("--scale", "F", changed.scale, 1000, "multiplies waits, CPU work, periods and durations by F");
  list.choice("--arrivals", "KIND", changed.arrivals, kArrivalWords);
  list.number("--rate", "R", changed.rate, 10e6, "requests per second of constant and poisson loads");
  list.duration("--duration", changed.duration, "length of constant and poisson loads");
  list.choice("--connections", "KIND", changed.fresh_connections, kConnectionWords,
              ": opened before the load, or a new one for each request");
  // A parameter that has an option of its own is varied as such, every other one as what --set takes.
  for (Option& option : list.options) {
    option.keep = option.names == "--seed" ? Option::in_sweep : Option::in_record;
    option.varies = !option.has_many;
  }
  list.note_words(to.given);
  return list;
}

OptionList experiment_options(RunOptions& to) {
  ForeignOptions& foreign = to.experiment.foreign;
  OptionList list;
  const Texts engines = ids_of(kEngineWords);
  list.add("--engine", "A,B", OptionList::in_words(engines),
           [&to](const Texts& texts) { take_engines(to, texts); })
      .list()
      .choices = engines;
  list.texts("--server", "COMMAND", foreign.servers,
             "your own server as one more arm, such as 'node server.js {port}'")
      .one_each();
  list.text("--ready", "URL", foreign.ready,
            "the lab asks --server for this until the status is below 500, such as /health");
  list.text("--python", "PATH", foreign.python, "the Python that --engine fastapi uses (/usr/bin/python3)");
  list.count("--repeat", "K", to.experiment.repetitions, 1, 1000,
             "repetitions of every arm (as many as fit the budget, at most 6)");
  list.flag("--quick", to.experiment.quick, "one repetition of every arm");
  list.duration("--budget", to.experiment.budget, "time for all repetitions, such as 30s");
  for (Option& option : list.options) option.keep = Option::in_sweep;
  list.each("--guess", "ARM=DURATION", "your prediction, such as async-loop=1s",
            [&to](const std::string& text) {
              const auto [arm, value] =
                  parse_assignment("--guess", text, "ARM=DURATION, such as async-loop=1s").value();
              to.guesses.push_back({arm, seconds(value)});
            })
      .one_each();
  list.add("--ask", "", "ask for your prediction before the results are shown (on a terminal)", {});
  list.add("--check", "", "exit 1 if a check of the scenario fails", {});
  list.text("--postgres", "URL", to.experiment.postgres,
            "the PostgreSQL server for query steps: a connection string, or local");
  list.text("--save", "DIR", to.save, "save the run in this folder");
  list.add("--no-save", "", "do not save the run", {});
  list.note_words(to.given);
  return list;
}

std::optional<Option> find_run_option(RunOptions& to, const std::string& name) {
  for (const OptionList& list : {scenario_options(to), experiment_options(to)}) {
    for (const Option& option : list.options) {
      if (option.names == "--" + name) return option;
    }
  }
  return std::nullopt;
}

void RunOptions::set(const std::string& name, const std::string& text) {
  const auto option = find_run_option(*this, name);
  refuse_if(!option, "there is no option --{}", name);
  option->take({text});
}

ExperimentOptions RunOptions::experiment_of(const Scenario& scenario) const {
  ExperimentOptions own = experiment;
  if (!has("budget")) own.budget = scenario.budget;
  return own;
}

Texts RunOptions::recorded() const {
  RunOptions known;
  return words_kept(*this, scenario_options(known), Option::in_record);
}

Texts RunOptions::kept_by_sweep() const {
  RunOptions known;
  Texts words = recorded();
  for (const OptionList& list : {scenario_options(known), experiment_options(known)}) {
    const Texts more = words_kept(*this, list, Option::in_sweep);
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

RunOptions RunOptions::read(const Texts& words, const std::string& what) {
  RunOptions options;
  for (const std::string& word : words) {
    const std::size_t end = std::min(word.find('='), word.size());
    const std::string name = word.starts_with("--") ? word.substr(2, end - 2) : "";
    const std::string text = end < word.size() ? word.substr(end + 1) : "";
    const auto option = find_run_option(options, name);
    refuse_if(!option || option->keep == Option::nowhere, "the {}'s recorded options cannot be read: {}",
              what, word);
    option->take(option->splits ? split(text, ',') : Texts{text});
  }
  return options;
}

void RunOptions::check_together() {
  const bool own_server = !experiment.foreign.servers.empty();
  refuse_if(experiment.budget == 0, "--budget: 0 is no time; give 15s, for example, or --quick");
  experiment.as_written = describe_changes(overrides).empty();
  if (own_server && !experiment.uses(kServer)) experiment.engines.emplace_back(kServer);
  refuse_if(has("ready") && !own_server, "--ready belongs to --server 'COMMAND {{port}}'; give both");
  refuse_if(has("python") && !experiment.uses(kFastapi),
            "--python is the interpreter of FastAPI; add fastapi to --engine");
  refuse_if(experiment.quick && experiment.repetitions.value_or(1) > 1,
            "--quick and --repeat exclude each other; give one");
  refuse_if(has("check") && !experiment.uses(kNative),
            "--check compares what was measured with the model; add native to --engine");
  refuse_if(has("no-save") && !save.empty(), "--save and --no-save exclude each other; give one");
}

std::string describe_changes(const Overrides& overrides) {
  Texts parts;
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

Result<Overrides> overrides_from(const Texts& words) {
  return caught([&] { return RunOptions::read(words, "run").overrides; });
}

}  // namespace lab
