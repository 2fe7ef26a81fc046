#include "lab/servers/steps/work.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <map>
#include <mutex>
#include <vector>

#include "lab/core/process.hpp"

namespace lab {

namespace {

// Groups of units that take 20 to 50 us on the machines of our days.
constexpr std::int64_t kSpinGroup = 20'000;
constexpr std::int64_t kRootGroup = 10'000;

/// The result is used, as far as the compiler knows.
template <class Value>
void keep(const Value& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

template <class Group>
void in_groups(std::int64_t units, std::int64_t group, const Between& between, const Group& run) {
  for (std::int64_t done = 0; done < units;) {
    const std::int64_t size = std::min(group, units - done);
    run(done, size);
    done += size;
    if (between && done < units) between();
  }
}

/// Each turn needs the result of the one before, so no core does two at once.
void spin(std::int64_t units, const Between& between) {
  std::uint64_t state = 88172645463325252ULL;
  in_groups(units, kSpinGroup, between, [&state](std::int64_t /*from*/, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
    }
    keep(state);
  });
}

void add_roots(std::int64_t units, const Between& between) {
  double sum = 0;
  in_groups(units, kRootGroup, between, [&sum](std::int64_t from, std::int64_t size) {
    for (std::int64_t i = from; i < from + size; ++i) sum += std::sqrt(static_cast<double>(i));
    keep(sum);
  });
}

constexpr std::int64_t kOwnSize = 8 << 20;
constexpr std::size_t kPiece = 64 << 10;  // some 10 us

/// The lab's own file of this process; -1 where the kernel gives none. A fork closes it, so it belongs to a
/// pid.
int own_file() {
  static std::mutex mutex;
  static pid_t owner = -1;
  static UniqueFd file;
  const std::lock_guard lock(mutex);
  if (owner == getpid()) return file.get();
  file.release();
  owner = getpid();
  file = UniqueFd(memfd_create("lab-file", MFD_CLOEXEC));
  const std::vector<char> piece(kPiece, 'x');
  for (std::int64_t at = 0; file.valid() && at < kOwnSize; at += static_cast<std::int64_t>(kPiece)) {
    if (pwrite(file.get(), piece.data(), piece.size(), at) < 0) file.reset();
  }
  return file.get();
}

/// Reads so many bytes of a file, from its beginning again where it ends. An empty path: a file in memory
/// that this process makes, so that no disk is measured.
Result<void> read_file(const std::string& path, std::int64_t bytes, const Between& between) {
  const UniqueFd opened(path.empty() ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const int fd = path.empty() ? own_file() : opened.get();
  if (fd < 0)
    return system_error(path.empty() ? "memfd_create" : "open", path.empty() ? "lab-file" : path, errno);
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return system_error("fstat", path, errno);
  if (!S_ISREG(facts.st_mode)) return usage_error("{}: not a regular file; read needs one", path);
  if (facts.st_size == 0 && bytes > 0) return usage_error("{}: the file is empty; read needs bytes", path);
  thread_local std::vector<char> buffer(kPiece);
  std::int64_t at = 0;
  for (std::int64_t left = bytes; left > 0;) {
    const ssize_t size = pread(fd, buffer.data(), std::min<std::size_t>(kPiece, left), at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("pread", path, errno);
    at = size == 0 ? 0 : at + size;
    // A file that somebody empties meanwhile must not hold us for ever.
    if (size == 0 && fstat(fd, &facts) == 0 && facts.st_size == 0)
      return environment_error("{}: was emptied while it was read", path);
    left -= size;
    if (between && left > 0) between();
  }
  return {};
}

thread_local std::int64_t units_of_thread = 0;

Result<void> run_kind(const Compute& compute, const Between& between) {
  switch (compute.work) {
    case Work::spin: spin(compute.units, between); return {};
    case Work::sqrt_sum: add_roots(compute.units, between); return {};
    case Work::qr_code: return encode_qr_codes(compute.units, between);
    case Work::inference: infer(compute.units, between); return {};
    case Work::file_read: return read_file(compute.file, compute.units, between);
    case Work::coroutine_switch: return switch_coroutines(compute.units, between);
    case Work::thread_switch: return switch_threads(compute.units);
    case Work::process_switch: return switch_processes(compute.units);
  }
  return {};
}

constexpr Nanos kPaceTime = 5 * kMillisecond;
constexpr int kPaceTries = 4;
constexpr std::int64_t kMaxUnits = std::int64_t{1} << 40;

std::size_t index_of(Work work) {
  return static_cast<std::size_t>(work);
}

/// One step of each kind that the routes compute with, dependencies included.
std::vector<Compute> kinds_of(std::span<const Route> routes) {
  std::array<bool, kWorkKinds> seen{};
  std::vector<Compute> kinds;
  const auto look = [&](const Step& step) {
    const auto* compute = step.as<Compute>();
    if (compute == nullptr || seen[index_of(compute->work)]) return;
    seen[index_of(compute->work)] = true;
    kinds.push_back(*compute);
  };
  for (const Route& route : routes) for_each_step(route, look);
  return kinds;
}

TimeOfUnits on_the_clock(Compute compute) {
  return [compute](std::int64_t units) mutable -> Result<Nanos> {
    compute.units = units;
    const Nanos begun = monotonic_now();
    LAB_CHECK(run_work(compute, {}));
    return monotonic_now() - begun;
  };
}

/// The fastest of several tries: whatever else the machine does only makes them longer.
Result<Nanos> fastest_of(const TimeOfUnits& time_of, std::int64_t units, int tries) {
  Nanos fastest = 0;
  for (int i = 0; i < tries; ++i) {
    LAB_TRY(const Nanos time, time_of(units));
    if (i == 0 || time < fastest) fastest = time;
  }
  return fastest;
}

}  // namespace

Result<void> run_work(const Compute& compute, const Between& between) {
  Result<void> done = run_kind(compute, between);
  if (done) units_of_thread += compute.units;
  return done;
}

std::int64_t units_run() {
  return units_of_thread;
}

void prepare_work(Work work) {
  if (work == Work::inference) infer(1, {});
  if (work == Work::file_read) own_file();
}

Result<double> units_per_second(const TimeOfUnits& time_of, Tries tries) {
  LAB_TRY(const Nanos once, fastest_of(time_of, 1, tries.count));
  std::int64_t too_few = 1;
  for (;;) {
    std::int64_t units = too_few;
    Nanos beyond = 0;
    do {
      units *= 4;
      LAB_TRY(const Nanos time, time_of(units + 1));
      beyond = std::max<Nanos>(1, time - once);
    } while (beyond < tries.length / 4 && units < kMaxUnits);
    units = std::max<std::int64_t>(
        too_few, std::llround(static_cast<double>(units) * static_cast<double>(tries.length) /
                              static_cast<double>(beyond)));
    LAB_TRY(const Nanos fastest, fastest_of(time_of, units + 1, tries.count));
    beyond = std::max<Nanos>(fastest - once, 1);
    if (beyond >= tries.length / 4 || units >= kMaxUnits) return static_cast<double>(units) / seconds(beyond);
    // A pause of the machine was taken for work: so few are done sooner.
    too_few = units * 2;
  }
}

Result<WorkRates> calibrate(std::span<const Route> routes, Tries tries) {
  static std::mutex mutex;
  static std::map<std::pair<Work, std::string>, double> known;
  const std::lock_guard lock(mutex);
  WorkRates rates{};
  for (const Compute& compute : kinds_of(routes)) {
    const auto key = std::make_pair(compute.work, compute.file);
    if (!known.contains(key)) {
      prepare_work(compute.work);
      LAB_TRY(known[key], units_per_second(on_the_clock(compute), tries));
    }
    rates[index_of(compute.work)] = known[key];
  }
  return rates;
}

double measure_pace(std::span<const Route> routes, const WorkRates& rates) {
  double sum = 0;
  int kinds = 0;
  for (const Compute& compute : kinds_of(routes)) {
    const double rate = rates[index_of(compute.work)];
    const std::int64_t units = std::max<std::int64_t>(1, std::llround(rate * seconds(kPaceTime)));
    if (rate <= 0) continue;
    const TimeOfUnits time_of = on_the_clock(compute);
    const auto once = fastest_of(time_of, 1, kPaceTries);
    const auto time = fastest_of(time_of, units + 1, kPaceTries);
    if (!once || !time || *time <= *once) continue;
    sum += seconds(*time - *once) / (static_cast<double>(units) / rate);
    ++kinds;
  }
  return kinds == 0 ? 1.0 : sum / kinds;
}

}  // namespace lab
