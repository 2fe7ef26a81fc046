#include "lab/experiment/other_load.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace lab {

namespace {

double used(int who) {
  rusage usage{};
  if (getrusage(who, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

BackgroundCpu::Sample BackgroundCpu::sample() {
  Sample sample;
  cpu_set_t mine;
  CPU_ZERO(&mine);
  const bool known = sched_getaffinity(0, sizeof mine, &mine) == 0;
  const auto tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("cpu") || line.starts_with("cpu ")) continue;
    std::istringstream columns(line.substr(3));
    int core = 0;
    columns >> core;
    if (known && !CPU_ISSET(core, &mine)) continue;
    double value = 0;
    for (int column = 0; column < 8 && columns >> value; ++column) {
      const bool idle = column == 3 || column == 4;  // user nice system IDLE IOWAIT irq softirq steal
      sample.total += value * tick;
      if (!idle) sample.busy += value * tick;
    }
  }
  sample.own = used(RUSAGE_SELF) + used(RUSAGE_CHILDREN);
  return sample;
}

BackgroundCpu::BackgroundCpu() : begin_(sample()) {}

double BackgroundCpu::share() const {
  const Sample end = sample();
  const double total = end.total - begin_.total;
  const double others = (end.busy - begin_.busy) - (end.own - begin_.own);
  return total > 0 ? std::clamp(others / total, 0.0, 1.0) : 0;
}

}  // namespace lab
