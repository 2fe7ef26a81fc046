#include "lab/experiment/recordings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "lab/experiment/options.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

std::vector<std::string> recorded_scenarios() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(recordings_folder(), ignored)) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::string describe_making(const RunHeader& header) {
  struct Part {
    const char* key;
    const char* spelling;
  };
  constexpr std::array<Part, 7> kParts{{{"cpu", "{}"},
                                        {"cores", "{} cores"},
                                        {"kernel", "kernel {}"},
                                        {"python", "Python {}"},
                                        {"fastapi", "FastAPI {}"},
                                        {"uvicorn", "uvicorn {}"},
                                        {"gunicorn", "gunicorn {}"}}};
  std::vector<std::string> parts;
  for (const Part& part : kParts) {
    for (const auto& [key, value] : header.environment) {
      if (key == part.key) parts.push_back(fmt::format(fmt::runtime(part.spelling), value));
    }
  }
  const std::string day = header.started_utc.substr(0, header.started_utc.find('T'));
  return (day.empty() ? "an unknown day" : day) + (parts.empty() ? "" : " on " + join(parts, ", "));
}

Result<Recording> find_recording(const Scenario& scenario, bool as_written) {
  const std::filesystem::path path = recordings_folder() / (scenario.name + ".jsonl");
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return environment_error("there is no recording of FastAPI for it, only for {}",
                             join(recorded_scenarios(), ", "));
  }
  auto run = read_run(path, {.scenario = [&scenario](const RunHeader&) { return scenario; }});
  if (!run) return run.error();
  if (!same_experiment(run->header.scenario_source, scenario.source))
    return environment_error("the scenario has changed since it was recorded");
  for (const auto& [key, value] : run->header.environment) {
    if (key == "cores" && value != std::to_string(available_cores()))
      return environment_error("it was recorded on {} cores; this machine has {}", value, available_cores());
  }
  if (!as_written) return environment_error("it was recorded without options that change the scenario");
  Recording recording{{}, describe_making(run->header)};
  for (RunRepetition& repetition : run->repetitions) {
    if (repetition.engine != kFastapi) continue;
    repetition.engine = kRecorded;
    recording.repetitions.push_back(std::move(repetition));
  }
  return recording;
}

RecordedRun read_recorded(const std::filesystem::path& path, ReadOptions options) {
  RecordedRun recorded;
  options.scenario = [&recorded](const RunHeader& header) {
    refuse_if(header.scenario_source.empty(), "the run's header is lost, so it cannot be reported");
    recorded.options = overrides_from(header.options).value();
    recorded.scenario =
        parse_scenario(header.scenario_source, header.scenario_file, known_modes(), recorded.options).value();
    recorded.scenario.name = header.scenario;
    return recorded.scenario;
  };
  recorded.run = read_run(path, options).value();
  if (recorded.scenario.name.empty()) options.scenario(recorded.run.header);  // nothing was recorded
  return recorded;
}

}  // namespace lab
