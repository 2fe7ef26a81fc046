#include "harness/trace/machine.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <sstream>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What stands behind the colon of the first line that begins so; empty where none does.
std::string value_in(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::string(trim(std::string_view(line).substr(line.find(':') + 1)));
  }
  return "";
}

cpu_set_t affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

/// A file of this process's own control group (cgroups(7), version 2), or of the root's.
std::string cgroup_line(const std::string& file) {
  std::string group = first_line("/proc/self/cgroup");
  group = group.starts_with("0::") ? group.substr(3) : "/";
  std::string line = first_line(("/sys/fs/cgroup" + group + "/" + file).c_str());
  return line.empty() ? first_line(("/sys/fs/cgroup/" + file).c_str()) : line;
}

/// `MemAvailable:   21585000 kB`
std::optional<double> memory_of_machine() {
  const std::string available = value_in("/proc/meminfo", "MemAvailable:");
  return available.empty() ? std::nullopt : std::optional(1024 * std::strtod(available.c_str(), nullptr));
}

std::optional<double> memory_of_group() {
  const std::string most = cgroup_line("memory.max"), used = cgroup_line("memory.current");
  if (most.empty() || most == "max" || used.empty()) return std::nullopt;
  return std::max(0.0, std::strtod(most.c_str(), nullptr) - std::strtod(used.c_str(), nullptr));
}

std::optional<double> address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  const double used = std::strtod(first_line("/proc/self/statm").c_str(), nullptr);  // pages
  return std::max(0.0,
                  static_cast<double>(limit.rlim_cur) - used * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

/// Microseconds in which some task waited for a core, from `some … total=N` of /proc/pressure/cpu (PSI).
double pressure_total_us() {
  const std::string line = first_line("/proc/pressure/cpu");
  const std::size_t at = line.find("total=");
  return at == std::string::npos ? 0 : std::strtod(line.c_str() + at + 6, nullptr);
}

double cpu_time_used(int who) {
  rusage usage{};
  if (getrusage(who, &usage) != 0) return 0;
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

double share_of(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

}  // namespace

Environment describe_machine() {
  Environment environment;
  const cpu_set_t set = affinity();
  environment.cores = CPU_COUNT(&set);
  utsname names{};
  uname(&names);
  environment.kernel = names.release;
  auto& details = environment.details;
  const std::string cpu = value_in("/proc/cpuinfo", "model name");
  details.emplace_back("cpu", cpu.empty() ? "unknown" : cpu);
  details.emplace_back("affinity", usable_cores(environment.cores));
  const auto add = [&](const char* key, const char* path) {
    if (std::string line = first_line(path); !line.empty()) details.emplace_back(key, std::move(line));
  };
  if (std::string quota = cgroup_line("cpu.max"); !quota.empty())
    details.emplace_back("cgroup_quota", std::move(quota));
  add("governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  add("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  details.emplace_back("timer_slack_ns", "1 in generator and workers");
  return environment;
}

NoiseMeter::Sample NoiseMeter::sample() {
  Sample sample;
  const cpu_set_t mine = affinity();
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("ctxt ")) sample.context_switches = std::strtod(line.c_str() + 5, nullptr);
    if (!line.starts_with("cpu")) continue;
    std::istringstream columns(line.substr(3));
    int core = -1;  // the first line is of all
    if (line[3] != ' ') columns >> core;
    std::array<double, 8> ticks{};  // user nice system idle iowait irq softirq steal
    for (double& value : ticks) columns >> value;
    const double all = std::accumulate(ticks.begin(), ticks.end(), 0.0);
    if (core < 0) {
      sample.total = all;
      sample.steal = ticks[7];
    } else if (CPU_COUNT(&mine) == 0 || CPU_ISSET(core, &mine)) {  // of all where ours are not known
      sample.usable += all;
      sample.busy += all - ticks[3] - ticks[4];
    }
  }
  sample.own_s = cpu_time_used(RUSAGE_SELF) + cpu_time_used(RUSAGE_CHILDREN);
  sample.pressure_us = pressure_total_us();
  sample.wall_us = static_cast<double>(monotonic_now()) / 1e3;
  sample.load = first_line("/proc/loadavg");
  return sample;
}

NoiseMeter::NoiseMeter() : begin_(sample()) {}

double NoiseMeter::stolen(const Sample& begin, const Sample& end) {
  return share_of(end.steal - begin.steal, end.total - begin.total);
}

double NoiseMeter::others(const Sample& begin, const Sample& end) {
  const double own = (end.own_s - begin.own_s) * static_cast<double>(sysconf(_SC_CLK_TCK));
  return std::clamp(share_of(end.busy - begin.busy - own, end.usable - begin.usable), 0.0, 1.0);
}

double NoiseMeter::others_share() const {
  return others(begin_, sample());
}

std::string NoiseMeter::verdict(bool alone) const {
  constexpr double kStolen = 0.02;
  constexpr double kOthers = 0.15;
  const Sample end = sample();
  const double taken = stolen(begin_, end);
  const double by_others = others(begin_, end);
  if (taken > kStolen)
    return fmt::format("noisy: {:.0f} % of the time stolen by the hypervisor", taken * 100);
  if (alone && by_others > kOthers)
    return fmt::format("noisy: others took {:.0f} % of the cores", by_others * 100);
  return "quiet";
}

std::vector<std::pair<std::string, std::string>> NoiseMeter::details() const {
  const Sample end = sample();
  const double squeezed = share_of(end.pressure_us - begin_.pressure_us, end.wall_us - begin_.wall_us);
  return {{"load_before", begin_.load},
          {"load_after", end.load},
          {"stolen_share", fmt::format("{:.4f}", stolen(begin_, end))},
          {"others_share", fmt::format("{:.4f}", others(begin_, end))},
          {"pressure_share", fmt::format("{:.4f}", squeezed)},
          {"context_switches", fmt::format("{:.0f}", end.context_switches - begin_.context_switches)}};
}

std::optional<double> available_memory() {
  std::optional<double> least;
  for (const auto& one : {memory_of_machine(), memory_of_group(), address_space()}) {
    if (one) least = std::min(least.value_or(*one), *one);
  }
  return least;
}

std::string usable_cores(int most) {
  const cpu_set_t set = affinity();
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE && std::cmp_less(cores.size(), most); ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return fmt::format("{}", fmt::join(cores, ","));
}

}  // namespace lab
