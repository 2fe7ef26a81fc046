#include "lab/experiment/environment.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <fstream>
#include <sstream>

#include "lab/core/clock.hpp"
#include "lab_version.hpp"

namespace lab {

namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

cpu_set_t affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

std::string affinity_list(const cpu_set_t& set) {
  std::string list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) list += (list.empty() ? "" : ",") + std::to_string(cpu);
  }
  return list;
}

/// The CPU quota of this process's own control group (cgroups(7), version 2), or of the root's.
std::string cgroup_quota() {
  std::string group = first_line("/proc/self/cgroup");
  group = group.starts_with("0::") ? group.substr(3) : "/";
  std::string quota = first_line(("/sys/fs/cgroup" + group + "/cpu.max").c_str());
  return quota.empty() ? first_line("/sys/fs/cgroup/cpu.max") : quota;
}

/// Microseconds in which some task waited for a core, from `some … total=N` of /proc/pressure/cpu (PSI).
double pressure_total_us() {
  const std::string line = first_line("/proc/pressure/cpu");
  const std::size_t at = line.find("total=");
  return at == std::string::npos ? 0 : std::strtod(line.c_str() + at + 6, nullptr);
}

}  // namespace

Environment describe_environment() {
  Environment environment;
  const cpu_set_t set = affinity();
  environment.cores = CPU_COUNT(&set);
  utsname names{};
  uname(&names);
  environment.kernel = names.release;
  auto& details = environment.details;
  details.emplace_back("cpu", cpu_model());
  details.emplace_back("affinity", affinity_list(set));
  const auto add = [&](const char* key, const char* path) {
    if (std::string line = first_line(path); !line.empty()) details.emplace_back(key, std::move(line));
  };
  if (std::string quota = cgroup_quota(); !quota.empty())
    details.emplace_back("cgroup_quota", std::move(quota));
  add("governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  add("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  details.emplace_back("timer_slack_ns", "1 in generator and workers");
  details.emplace_back("compiler", "GCC " __VERSION__);
  details.emplace_back("flags", LAB_COMPILE_FLAGS);
  details.emplace_back("libraries", LAB_LIBRARIES);
  details.emplace_back("version", version());
  details.emplace_back("commit", LAB_COMMIT);
  return environment;
}

NoiseMeter::Sample NoiseMeter::sample() {
  Sample sample;
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream columns(line);
  std::string word;
  columns >> word;
  double value = 0;
  for (int column = 0; columns >> value && column < 8;
       ++column) {  // user nice system idle iowait irq softirq steal
    sample.total += value;
    if (column == 7) sample.steal = value;
  }
  while (std::getline(file, line)) {
    if (line.starts_with("ctxt ")) sample.context_switches = std::strtod(line.c_str() + 5, nullptr);
  }
  sample.pressure_us = pressure_total_us();
  sample.wall_us = static_cast<double>(monotonic_now()) / 1e3;
  sample.load = first_line("/proc/loadavg");
  return sample;
}

NoiseMeter::NoiseMeter() : begin_(sample()) {}

double NoiseMeter::stolen(const Sample& begin, const Sample& end) {
  const double total = end.total - begin.total;
  return total > 0 ? (end.steal - begin.steal) / total : 0;
}

double NoiseMeter::squeezed(const Sample& begin, const Sample& end) {
  const double wall = end.wall_us - begin.wall_us;
  return wall > 0 ? (end.pressure_us - begin.pressure_us) / wall : 0;
}

std::string NoiseMeter::verdict(bool alone) const {
  constexpr double kStolen = 0.02;
  constexpr double kOthers = 0.15;
  const double taken = stolen(begin_, sample());
  const double others = others_.share();
  if (taken > kStolen)
    return fmt::format("noisy: {:.0f} % of the time stolen by the hypervisor", taken * 100);
  if (alone && others > kOthers) return fmt::format("noisy: others took {:.0f} % of the cores", others * 100);
  return "quiet";
}

std::vector<std::pair<std::string, std::string>> NoiseMeter::details() const {
  const Sample end = sample();
  return {{"load_before", begin_.load},
          {"load_after", end.load},
          {"stolen_share", fmt::format("{:.4f}", stolen(begin_, end))},
          {"others_share", fmt::format("{:.4f}", others_.share())},
          {"pressure_share", fmt::format("{:.4f}", squeezed(begin_, end))},
          {"context_switches", fmt::format("{:.0f}", end.context_switches - begin_.context_switches)}};
}

std::string version() {
  return LAB_VERSION;
}

}  // namespace lab
