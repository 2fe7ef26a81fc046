#include "results/report/room.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <system_error>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"
#include "results/render/formatting.hpp"
#include "results/store/record_blocks.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

// Measured on runs of each kind: events that every request leaves and that each step adds, and the bytes of
// both as lines of JSON, in blocks, and in memory, where they are sorted as well.
constexpr double kEventsEach = 6, kEventsOfStep = 5, kAsked = 4;  // kAsked: questions that follow one request
constexpr double kLine = 330, kEventInLine = 45;
constexpr double kBlock = 96, kEventInBlock = 28;
constexpr double kRecordInMemory = 96, kEventInMemory = 88;
constexpr double kClose = 0.8;        // of what is free
constexpr double kWorthSaying = 1e8;  // bytes

struct Traces {
  std::int64_t requests = 0;
  double events = 0;
};

Traces traces_of(const Scenario& scenario, const Case& load_case) {
  Traces traces;
  for (const Load& load : load_case.loads) {
    const auto steps = static_cast<double>(executed_steps(scenario.routes[load.route].plan));
    const double asked = load.then ? kAsked : 0;
    traces.requests += load.requests + static_cast<std::int64_t>(asked) * load.requests;
    traces.events += static_cast<double>(load.requests) * (kEventsEach * (1 + asked) + kEventsOfStep * steps);
  }
  return traces;
}

/// The nearest folder above it that is there.
fs::path existing(fs::path folder) {
  std::error_code ignored;
  folder = fs::absolute(folder, ignored);
  while (!fs::exists(folder, ignored) && folder != folder.parent_path()) folder = folder.parent_path();
  return folder;
}

std::optional<double> free_bytes(const fs::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
}

bool on_one_disk(const fs::path& a, const fs::path& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

std::string bytes(double count) {
  return quantity(count, byte_unit(count));
}

/// Refuses, warns or is silent: `who` needs so much of `what`.
void judge(double need, const std::optional<double>& free, const std::string& who, const std::string& what,
           const std::string& fix, const std::function<void(const std::string&)>& warn) {
  if (!free || need <= kClose * *free) return;
  const std::string text =
      fmt::format("{} about {} {}, and {} are free", who, bytes(need), what, bytes(*free));
  if (need > *free) throw Failure(environment_error("{}: {}", text, fix));
  warn(text);
}

}  // namespace

RoomNeed room_need(const Scenario& scenario, int engines, int repetitions) {
  RoomNeed need;
  const auto started = std::ranges::count_if(scenario.arms, [](const Arm& arm) { return !arm.predict_only; });
  const double times = static_cast<double>(started) * engines * repetitions;
  for (const Case& load_case : scenario.cases) {
    const Traces traces = traces_of(scenario, load_case);
    const auto requests = static_cast<double>(traces.requests);
    const double in_blocks = requests * kBlock + traces.events * kEventInBlock;
    const bool large = std::cmp_greater(traces.requests, StoreOptions{}.lines_at_most);
    need.requests += static_cast<std::int64_t>(times * requests);
    need.saved += times * (large ? in_blocks : requests * kLine + traces.events * kEventInLine);
    need.aside += times * in_blocks;
    need.memory = std::max(need.memory, requests * kRecordInMemory + traces.events * kEventInMemory);
  }
  need.aside = std::max(0.0, need.aside - static_cast<double>(SetAside::kMaxInMemory));
  return need;
}

FreeRoom find_free_room(const std::optional<fs::path>& run_folder, std::optional<double> free_memory) {
  FreeRoom room;
  std::error_code ignored;
  room.temporary_folder = fs::temp_directory_path(ignored);
  room.temporary_disk = free_bytes(room.temporary_folder);
  room.saves = run_folder.has_value();
  if (run_folder) {
    room.run_folder = *run_folder;
    const fs::path there = existing(*run_folder);
    room.disk = free_bytes(there);
    room.one_disk = on_one_disk(there, room.temporary_folder);
  }
  room.memory = free_memory;
  return room;
}

void check_room(const RoomNeed& need, const FreeRoom& room,
                const std::function<void(const std::string&)>& warn) {
  const std::string run = fmt::format("the {} requests of this run need", need.requests);
  judge(need.memory, room.memory, "the requests of one repetition need", "of memory", "lower --requests",
        warn);
  const double saved = room.saves ? need.saved : 0;
  if (room.saves) {
    judge(saved + (room.one_disk ? need.aside : 0), room.disk, run,
          fmt::format("in the folder {}{}", room.run_folder.string(),
                      room.one_disk ? " and for temporary files on the same disk" : ""),
          "lower --requests or --repeat, save elsewhere with --save DIR, or run with --no-save", warn);
  }
  if (!room.saves || !room.one_disk) {
    judge(need.aside, room.temporary_disk, run,
          fmt::format("for temporary files in {}", room.temporary_folder.string()),
          "lower --requests or --repeat, or set TMPDIR to a folder with more room", warn);
  }
}

std::string describe_room(const RoomNeed& need, bool saves) {
  const double all = need.aside + (saves ? need.saved : 0);
  return all < kWorthSaying ? "" : fmt::format(", {} on disk", bytes(all));
}

}  // namespace lab
