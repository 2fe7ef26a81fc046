#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace json = boost::json;

namespace {

constexpr double kMilliseconds = 1e3;

json::object context_of(const Report& report, const Run& run) {
  const auto cpu =
      std::ranges::find_if(report.environment, [](const auto& entry) { return entry.first == "cpu"; });
  return {{"date", run.header.started_utc},
          {"host_name", ""},
          {"executable", "lab run " + valid_utf8(report.scenario)},
          {"num_cpus", report.cores},
          {"cpu", cpu == report.environment.end() ? "" : valid_utf8(cpu->second)},
          {"noise", valid_utf8(report.noise)},
          {"library_build_type", "release"}};
}

/// What every line of one family says.
struct Family {
  std::string name;
  std::int64_t index = 0;
  std::size_t repetitions = 0;
};

json::object line(const Family& family, const std::string& suffix, double real, double cpu) {
  return {{"name", family.name + suffix},
          {"family_index", family.index},
          {"per_family_instance_index", 0},
          {"run_name", family.name},
          {"repetitions", family.repetitions},
          {"threads", 1},
          {"iterations", 1},
          {"real_time", real},
          {"cpu_time", cpu},
          {"time_unit", "ms"}};
}

struct Aggregate {
  double mean = 0, median = 0, deviation = 0, variation = 0;
};

Aggregate aggregate(std::vector<double> values) {
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  Aggregate result;
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  result.median = summarise(values).median;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  result.variation = result.mean == 0 ? 0 : result.deviation / result.mean;
  return result;
}

void add_aggregates(const Family& family, const std::vector<double>& real, const std::vector<double>& cpu,
                    json::array& benchmarks) {
  struct Kind {
    const char* name;
    const char* unit;
    double Aggregate::*value;
  };
  const Aggregate times = aggregate(real);
  const Aggregate work = aggregate(cpu);
  for (const auto& [name, unit, value] :
       {Kind{"mean", "time", &Aggregate::mean}, Kind{"median", "time", &Aggregate::median},
        Kind{"stddev", "time", &Aggregate::deviation}, Kind{"cv", "percentage", &Aggregate::variation}}) {
    json::object one = line(family, std::string("_") + name, times.*value, work.*value);
    one["run_type"] = "aggregate";
    one["aggregate_name"] = name;
    one["aggregate_unit"] = unit;
    one["iterations"] = family.repetitions;
    benchmarks.push_back(std::move(one));
  }
}

/// What the arm's server used in each of `count` repetitions, in milliseconds; zeros where nobody looked.
std::vector<double> cpu_of(const ArmReport& arm, const Run& run, std::size_t count) {
  std::vector<double> used;
  for (const RunRepetition& repetition : run.repetitions) {
    if (repetition.arm == arm.arm && repetition.case_id == arm.case_id &&
        repetition.engine == arm.engine.kind)
      used.push_back(seconds(repetition.server.cpu) * kMilliseconds);
  }
  used.resize(count);
  return used;
}

/// Google Benchmark's JSON: a family for each arm and case, an iteration for each repetition, then mean,
/// median, stddev and cv; real_time is the makespan, cpu_time what the server's processes used, in
/// milliseconds. Its tools/compare.py does the U test on two of them. Refuses a run in which nothing was
/// measured.
Result<std::string> to_gbench(const FormatInput& input) {
  const Report& report = input.reports.front();
  const bool cases = several_cases(report.arms);
  json::array benchmarks;
  Family family;
  for (const ArmReport& arm : report.arms) {
    if (!arm.makespan_s || arm.engine.is(kModel)) continue;
    std::vector<double> real = arm.makespan_s->samples;
    for (double& each : real) each *= kMilliseconds;
    const std::vector<double> cpu = cpu_of(arm, *input.run, real.size());
    family.name = valid_utf8(name_on_engine(arm)) + (cases ? "/" + valid_utf8(arm.case_id) : "");
    family.repetitions = real.size();
    for (std::size_t i = 0; i < real.size(); ++i) {
      json::object one = line(family, "", real[i], cpu[i]);
      one["run_type"] = "iteration";
      one["repetition_index"] = i;
      benchmarks.push_back(std::move(one));
    }
    if (real.size() > 1) add_aggregates(family, real, cpu, benchmarks);
    ++family.index;
  }
  if (benchmarks.empty())
    return usage_error("--format: gbench compares makespans, and no arm of this run has one");
  const json::object document{{"context", context_of(report, *input.run)},
                              {"benchmarks", std::move(benchmarks)}};
  return json_line(document);
}

}  // namespace

extern const ReportFormat k_format_gbench{"gbench", to_gbench, true};

}  // namespace lab
