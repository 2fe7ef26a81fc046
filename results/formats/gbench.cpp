#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "lab/core/utf8.hpp"
#include "results/report/export.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace json = boost::json;

namespace {

constexpr double kMilliseconds = 1e3;

std::string environment_of(const Report& report, const std::string& key) {
  for (const auto& [name, value] : report.environment) {
    if (name == key) return value;
  }
  return "";
}

json::object context_of(const Report& report, const Run& run) {
  return {{"date", run.header.started_utc},
          {"host_name", ""},
          {"executable", "lab run " + valid_utf8(report.scenario)},
          {"num_cpus", report.cores},
          {"cpu", valid_utf8(environment_of(report, "cpu"))},
          {"noise", valid_utf8(report.noise)},
          {"library_build_type", "release"}};
}

/// What every line of one family says.
struct Family {
  std::string name;
  std::int64_t index = 0;
  std::size_t repetitions = 0;
};

json::object line(const Family& family, const std::string& name, double real, double cpu) {
  return {{"name", name},
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
  double mean = 0, median = 0, deviation = 0;
};

Aggregate aggregate(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  Aggregate result;
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  const std::size_t half = values.size() / 2;
  result.median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  return result;
}

void add_aggregates(const Family& family, const std::vector<double>& real, const std::vector<double>& cpu,
                    json::array& benchmarks) {
  const Aggregate times = aggregate(real);
  const Aggregate work = aggregate(cpu);
  const auto add = [&](const std::string& kind, const char* unit, double time, double used) {
    json::object one = line(family, family.name + "_" + kind, time, used);
    one["run_type"] = "aggregate";
    one["aggregate_name"] = kind;
    one["aggregate_unit"] = unit;
    one["iterations"] = family.repetitions;
    benchmarks.push_back(std::move(one));
  };
  const auto ratio = [](const Aggregate& of) { return of.mean == 0 ? 0 : of.deviation / of.mean; };
  add("mean", "time", times.mean, work.mean);
  add("median", "time", times.median, work.median);
  add("stddev", "time", times.deviation, work.deviation);
  add("cv", "percentage", ratio(times), ratio(work));
}

/// What the arm's server used in each repetition, in milliseconds; zeros where nobody looked.
std::vector<double> cpu_of(const ArmReport& arm, const Run& run) {
  std::vector<double> used;
  for (const RunRepetition& repetition : run.repetitions) {
    if (repetition.arm == arm.arm && repetition.case_id == arm.case_id &&
        repetition.engine == arm.engine.kind)
      used.push_back(seconds(repetition.server.cpu) * kMilliseconds);
  }
  return used;
}

}  // namespace

Result<std::string> to_gbench(const Report& report, const Run& run) {
  std::set<std::string> cases;
  for (const ArmReport& arm : report.arms) cases.insert(arm.case_id);
  json::array benchmarks;
  Family family;
  for (const ArmReport& arm : report.arms) {
    if (!arm.makespan_s || arm.engine.is(kModel)) continue;
    family.name = valid_utf8(name_on_engine(arm)) + (cases.size() > 1 ? "/" + valid_utf8(arm.case_id) : "");
    family.repetitions = arm.makespan_s->samples.size();
    std::vector<double> real = arm.makespan_s->samples;
    for (double& each : real) each *= kMilliseconds;
    std::vector<double> cpu = cpu_of(arm, run);
    cpu.resize(real.size());
    for (std::size_t i = 0; i < real.size(); ++i) {
      json::object one = line(family, family.name, real[i], cpu[i]);
      one["run_type"] = "iteration";
      one["repetition_index"] = i;
      benchmarks.push_back(std::move(one));
    }
    if (real.size() > 1) add_aggregates(family, real, cpu, benchmarks);
    ++family.index;
  }
  if (benchmarks.empty()) {
    return usage_error("--format: gbench compares makespans, and no arm of this run has one");
  }
  const json::object document{{"context", context_of(report, run)}, {"benchmarks", std::move(benchmarks)}};
  return json::serialize(document) + "\n";
}

extern const ReportFormat k_format_gbench{
    "gbench", [](const FormatInput& input) { return to_gbench(input.reports.front(), *input.run); }, true};

}  // namespace lab
