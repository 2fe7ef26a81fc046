#include "harness/diagnosis/local_server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

#include "harness/listening.hpp"
#include "harness/server_use.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

/// Of the threads that it has now; 0 where the kernel does not tell.
Nanos runnable_time_of(pid_t pid) {
  Nanos sum = 0;
  std::error_code error;
  for (fs::directory_iterator task(fmt::format("/proc/{}/task", pid), error), end; !error && task != end;
       task.increment(error)) {
    std::ifstream file(task->path() / "schedstat");
    Nanos ran = 0, waited = 0;
    if (file >> ran >> waited) sum += ran + waited;
  }
  return sum;
}

}  // namespace

std::optional<LocalServer> LocalServer::find(std::uint16_t port) {
  std::vector<pid_t> pids{getpid()};  // the first one's network is looked at
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem == std::errc() && stop == name.data() + name.size()) pids.push_back(pid);
  }
  std::set<pid_t> found;
  for (const Listener& listener : find_listeners(pids, port)) found.insert(listener.pid);
  if (found.empty()) return std::nullopt;
  LocalServer server;
  server.listeners_.assign(found.begin(), found.end());
  return server;
}

Nanos LocalServer::cpu_time() {
  std::set<pid_t> all(listeners_.begin(), listeners_.end());
  for (const pid_t pid : listeners_) {
    for (const pid_t below : descendants_of(pid)) all.insert(below);
  }
  Nanos runnable = 0, used = 0;
  for (const pid_t pid : all) {
    runnable += runnable_time_of(pid);
    used += cpu_time_of(pid);
  }
  total_ += std::max({Nanos{0}, runnable - runnable_, used - used_});
  runnable_ = runnable;
  used_ = used;
  return total_;
}

}  // namespace lab
