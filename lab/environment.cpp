#include "lab/environment.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include <boost/version.hpp>
#include <fstream>
#include <sstream>

#include "lab/core/clock.hpp"

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
  add("cgroup_quota", "/sys/fs/cgroup/cpu.max");
  add("governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  add("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  add("load", "/proc/loadavg");
  add("pressure", "/proc/pressure/cpu");
  details.emplace_back("timer_slack_ns", std::to_string(prctl(PR_GET_TIMERSLACK)));
  details.emplace_back("compiler", "GCC " __VERSION__);
  details.emplace_back("flags", LAB_COMPILE_FLAGS);
  details.emplace_back("boost", BOOST_LIB_VERSION);
  details.emplace_back("version", version());
  return environment;
}

NoiseMeter::Sample NoiseMeter::sample() {
  Sample sample;
  std::istringstream line(first_line("/proc/stat"));
  std::string word;
  line >> word;
  double value = 0;
  for (int column = 0; line >> value && column < 8;
       ++column) {  // user nice system idle iowait irq softirq steal
    sample.total += value;
    if (column == 7) sample.steal = value;
  }
  sample.pressure_us = pressure_total_us();
  sample.wall_us = static_cast<double>(monotonic_now()) / 1e3;
  return sample;
}

NoiseMeter::NoiseMeter() : begin_(sample()) {}

std::string NoiseMeter::verdict() const {
  const Sample end = sample();
  const double total = end.total - begin_.total;
  const double stolen = total > 0 ? (end.steal - begin_.steal) / total : 0;
  const double wall = end.wall_us - begin_.wall_us;
  const double squeezed = wall > 0 ? (end.pressure_us - begin_.pressure_us) / wall : 0;
  if (stolen > 0.02) return fmt::format("noisy: {:.0f} % of the time stolen by the hypervisor", stolen * 100);
  if (squeezed > 0.25)
    return fmt::format("noisy: tasks waited for a core in {:.0f} % of the time", squeezed * 100);
  return "quiet";
}

std::string version() {
  return LAB_VERSION;
}

}  // namespace lab
