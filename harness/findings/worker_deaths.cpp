#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "harness/findings/finding.hpp"

namespace lab {

namespace {

/// Until the worker in that slot gave a sign again.
std::optional<Nanos> time_away(const Kill& kill, std::span<const Event> events, Nanos began) {
  const Nanos died = began + kill.at;
  // Its last events may bear the moment of its death.
  constexpr Nanos kSettled = kMillisecond;
  for (const Event& event : events) {
    if (event.worker == kill.worker && event.at > died + kSettled) return event.at - died;
  }
  return std::nullopt;
}

std::string cause_of(const WorkerDeath& death) {
  if (death.silent) return fmt::format(", killed since it had hung for {}", format_duration(*death.silent));
  if (!death.status || (WIFSIGNALED(*death.status) && WTERMSIG(*death.status) == SIGKILL)) return "";
  if (WIFSIGNALED(*death.status)) return fmt::format(" by signal {}", WTERMSIG(*death.status));
  return fmt::format(" with exit code {}", WEXITSTATUS(*death.status));
}

}  // namespace

std::vector<WorkerDeath> worker_deaths(std::span<const Event> supervision, std::span<const Kill> kills,
                                       std::span<const Event> events, Nanos began) {
  std::vector<WorkerDeath> deaths;
  for (const Kill& kill : supervision.empty() ? kills : std::span<const Kill>()) {
    deaths.push_back({.at = kill.at, .worker = kill.worker, .back_after = time_away(kill, events, began)});
  }
  std::map<std::pair<bool, int>, std::optional<std::size_t>> last;  // of each worker, none in a reload
  std::map<std::pair<bool, int>, Nanos> silent;
  for (const Event& event : supervision) {
    const bool of_queue = event.resource == Resource::queue;
    const std::pair who(of_queue, int{of_queue ? event.unit : event.worker});
    std::optional<std::size_t>& of_worker = last[who];
    WorkerDeath* const death = of_worker ? &deaths[*of_worker] : nullptr;
    switch (event.kind) {
      case EventKind::hung: silent[who] = event.value; break;
      case EventKind::died: {
        of_worker = deaths.size();
        deaths.push_back({.at = event.at - began,
                          .worker = who.second,
                          .of_queue = of_queue,
                          .status = static_cast<int>(event.value)});
        if (const auto hung = silent.extract(who)) deaths.back().silent = hung.mapped();
        break;
      }
      case EventKind::backoff:
        if (death != nullptr) death->backoff = event.value;
        break;
      case EventKind::serving:
        if (death != nullptr) death->back_after = event.value;
        of_worker.reset();
        break;
      case EventKind::reloading: of_worker.reset(); break;
      case EventKind::gave_up:
        if (death != nullptr) death->gave_up = true;
        break;
      default: break;
    }
  }
  return deaths;
}

std::string describe(const WorkerDeath& death) {
  const std::string back = death.gave_up      ? "the last of too many, so the server gave up"
                           : death.back_after ? "back after " + format_duration(*death.back_after)
                                              : "not back";
  return fmt::format("{}worker {} at {}{}, {}", death.of_queue ? "queue " : "", death.worker,
                     format_duration(death.at), cause_of(death), back);
}

}  // namespace lab
