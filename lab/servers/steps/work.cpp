#include "lab/servers/steps/work.hpp"

#include <algorithm>
#include <cmath>

#include "lab/servers/steps/work_kinds.hpp"

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

}  // namespace

Result<void> run_work(const Compute& compute, const Between& between) {
  Result<void> done = run_kind(compute, between);
  if (done) units_of_thread += compute.units;
  return done;
}

std::int64_t units_run() {
  return units_of_thread;
}

bool releases_gil(Work work) {
  return work == Work::file_read || work == Work::coroutine_switch || work == Work::thread_switch ||
         work == Work::process_switch;
}

void prepare_work(Work work) {
  if (work == Work::inference) infer(1, {});
  if (work == Work::file_read) make_own_file();
}

}  // namespace lab
