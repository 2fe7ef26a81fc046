#include "harness/trace/server_use.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/trace/listening.hpp"
#include "lab/core/clock.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

constexpr Nanos kLookPeriod = 50 * kMillisecond;
constexpr Nanos kRoomToLook = 5 * kMillisecond;
constexpr Nanos kShare = 100;  // of the time, at most one in so many goes into looking

/// Empty where it cannot be read: a process may end at any moment.
std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<std::int64_t> number_at(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  return problem == std::errc() ? std::optional(number) : std::nullopt;
}

/// The number behind `key` at the beginning of a line.
std::optional<std::int64_t> number_of(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') return number_at(text, at + key.size());
  }
  return std::nullopt;
}

std::vector<pid_t> children_of(pid_t pid, const std::string& proc) {
  std::vector<pid_t> children;
  std::error_code error;
  // A child belongs to the thread that made it.
  for (fs::directory_iterator task(proc + "/" + std::to_string(pid) + "/task", error), end;
       !error && task != end; task.increment(error)) {
    const std::vector<pid_t> some = pids_in(text_of(task->path().string() + "/children"));
    children.insert(children.end(), some.begin(), some.end());
  }
  return children;
}

void add_descendants(std::vector<pid_t>& family, const std::string& proc) {
  for (std::size_t i = 0; i < family.size(); ++i) {
    const std::vector<pid_t> made = children_of(family[i], proc);
    family.insert(family.end(), made.begin(), made.end());
  }
}

/// Nanoseconds where the kernel tells; its files count hundredths of a second.
std::optional<Nanos> cpu_clock(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return std::nullopt;
  return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace

std::optional<std::int64_t> private_dirty_in(std::string_view smaps_rollup) {
  const auto kilobytes = number_of(smaps_rollup, "Private_Dirty:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

bool read_status(std::string_view status, ProcessUse& use) {
  const auto resident = number_of(status, "VmRSS:");
  const auto size = number_of(status, "VmSize:");
  const auto threads = number_of(status, "Threads:");
  const auto voluntary = number_of(status, "voluntary_ctxt_switches:");
  const auto involuntary = number_of(status, "nonvoluntary_ctxt_switches:");
  if (!resident || !size || !threads || !voluntary || !involuntary) return false;
  use.resident = *resident * 1024;
  use.virtual_size = *size * 1024;
  use.threads = *threads;
  use.voluntary_switches = *voluntary;
  use.involuntary_switches = *involuntary;
  return true;
}

std::optional<Nanos> cpu_in(std::string_view stat, long ticks) {
  // The name in parentheses may hold anything; the fields after it are counted from its last ')'.
  constexpr int kUserTime = 12;
  std::size_t at = stat.rfind(')');
  if (at == std::string_view::npos || ticks <= 0) return std::nullopt;
  for (int field = 0; field < kUserTime; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string_view::npos) return std::nullopt;
  }
  const auto user = number_at(stat, at + 1);
  at = stat.find(' ', at + 1);
  if (!user || at == std::string_view::npos) return std::nullopt;
  const auto system = number_at(stat, at + 1);
  return system ? std::optional((*user + *system) * (kSecond / ticks)) : std::nullopt;
}

std::optional<int> slot_in(std::string_view comm) {
  constexpr std::string_view kName = "lab-worker-";
  if (!comm.starts_with(kName)) return std::nullopt;
  int slot = 0;
  const auto [end, problem] = std::from_chars(comm.data() + kName.size(), comm.data() + comm.size(), slot);
  const bool whole = end == comm.data() + comm.size() || *end == '\n';
  return problem == std::errc() && whole && slot >= 0 ? std::optional(slot) : std::nullopt;
}

std::vector<pid_t> pids_in(std::string_view children) {
  std::vector<pid_t> pids;
  const char* at = children.data();
  const char* const end = at + children.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [stop, problem] = std::from_chars(at, end, pid);
    if (problem == std::errc() && pid > 0) pids.push_back(pid);
    at = stop == at ? at + 1 : stop;
  }
  return pids;
}

std::vector<WorkerProcess> find_workers(pid_t master, const std::string& proc) {
  std::vector<WorkerProcess> workers;
  if (master <= 0) return workers;
  for (const pid_t pid : children_of(master, proc)) {
    const auto slot = slot_in(text_of(proc + "/" + std::to_string(pid) + "/comm"));
    if (slot) workers.push_back({pid, *slot});
  }
  return workers;
}

std::vector<pid_t> descendants_of(pid_t pid, const std::string& proc) {
  std::vector<pid_t> family = children_of(pid, proc);
  add_descendants(family, proc);
  return family;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) {
    // The name in parentheses may hold anything; behind it come the state and the parent.
    const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t name_end = stat.rfind(") ");
    if (name_end == std::string::npos) return false;
    pid = static_cast<pid_t>(number_at(stat, name_end + 4).value_or(0));
  }
  return pid == ancestor;
}

bool kill_if(pid_t pid, const std::function<bool()>& is_meant) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) {
    // A kernel before 5.3, or a container's seccomp profile that does not know the call.
    return (errno == ENOSYS || errno == EPERM) && is_meant() && ::kill(pid, SIGKILL) == 0;
  }
  const bool killed = is_meant() && syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0) == 0;
  close(process);
  return killed;
}

Nanos cpu_time_of(pid_t pid) {
  return cpu_clock(pid).value_or(0);
}

bool kill_worker(pid_t master, int slot) {
  const auto pid_of = [master](int wanted) {
    for (const WorkerProcess& worker : find_workers(master)) {
      if (worker.slot == wanted) return worker.pid;
    }
    return 0;
  };
  const pid_t pid = pid_of(slot);
  return pid > 0 && kill_if(pid, [&] { return pid_of(slot) == pid; });
}

void ForeignWorkers::look() {
  if (guardian_ <= 0) return;
  const std::vector<pid_t> programs = children_of(guardian_, "/proc");
  std::vector<pid_t> workers;
  for (const ListeningProcess& listener : find_listeners(descendants_of(guardian_), port_)) {
    if (std::find(programs.begin(), programs.end(), listener.pid) == programs.end())
      workers.push_back(listener.pid);
  }
  take(workers.empty() ? programs : workers);
}

void ForeignWorkers::take(std::vector<pid_t> alive) {
  std::sort(alive.begin(), alive.end());
  alive.erase(std::unique(alive.begin(), alive.end()), alive.end());
  for (pid_t& pid : now_) {
    if (!std::binary_search(alive.begin(), alive.end(), pid)) pid = 0;
  }
  for (const pid_t pid : alive) {
    if (std::find(now_.begin(), now_.end(), pid) != now_.end()) continue;
    auto free = std::find(now_.begin(), now_.end(), 0);
    if (free == now_.end()) free = now_.insert(now_.end(), 0);
    *free = pid;
    slots_[pid] = static_cast<int>(free - now_.begin());
  }
}

bool ForeignWorkers::kill(int slot) {
  if (guardian_ <= 0) return false;
  look();
  const auto index = static_cast<std::size_t>(slot);
  if (slot < 0 || index >= now_.size() || now_[index] <= 0) return false;
  return kill_if(now_[index], [&, pid = now_[index]] {
    look();
    return now_[index] == pid;
  });
}

ServerWatch::ServerWatch(pid_t master, bool foreign, std::string proc)
    : master_(master), foreign_(foreign), proc_(std::move(proc)) {}

void ServerWatch::find() {
  alive_.clear();
  if (foreign_) {
    if (master_ > 0) alive_ = descendants_of(master_, proc_);
    use_.processes = std::max(use_.processes, static_cast<int>(alive_.size()));
    return;
  }
  for (const WorkerProcess& worker : find_workers(master_, proc_)) alive_.push_back(worker.pid);
  use_.processes = std::max(use_.processes, static_cast<int>(alive_.size()));
  add_descendants(alive_, proc_);
}

bool ServerWatch::read(pid_t pid, ProcessUse& use) const {
  const std::string folder = proc_ + "/" + std::to_string(pid);
  if (!read_status(text_of(folder + "/status"), use)) return false;
  use.private_dirty = private_dirty_in(text_of(folder + "/smaps_rollup")).value_or(0);
  auto cpu = proc_ == "/proc" ? cpu_clock(pid) : std::nullopt;
  if (!cpu) cpu = cpu_in(text_of(folder + "/stat"), sysconf(_SC_CLK_TCK));
  use.cpu = cpu.value_or(0);
  // The counts of `status` are the first thread's only; a thread that has ended is forgotten.
  std::int64_t voluntary = 0;
  std::int64_t involuntary = 0;
  std::error_code error;
  for (fs::directory_iterator task(folder + "/task", error), end; !error && task != end;
       task.increment(error)) {
    const std::string status = text_of(task->path().string() + "/status");
    voluntary += number_of(status, "voluntary_ctxt_switches:").value_or(0);
    involuntary += number_of(status, "nonvoluntary_ctxt_switches:").value_or(0);
  }
  use.voluntary_switches = std::max(use.voluntary_switches, voluntary);
  use.involuntary_switches = std::max(use.involuntary_switches, involuntary);
  return true;
}

ProcessUse ServerWatch::sum_now() {
  ProcessUse sum;
  for (const pid_t pid : alive_) {
    ProcessUse use;
    if (!read(pid, use)) continue;
    processes_[pid].last = use;
    sum.private_dirty += use.private_dirty;
    sum.resident += use.resident;
    sum.virtual_size += use.virtual_size;
    sum.threads += use.threads;
  }
  use_.private_peak = std::max(use_.private_peak, sum.private_dirty);
  use_.resident_peak = std::max(use_.resident_peak, sum.resident);
  use_.virtual_peak = std::max(use_.virtual_peak, sum.virtual_size);
  use_.threads_peak = std::max(use_.threads_peak, sum.threads);
  return sum;
}

void ServerWatch::before() {
  find();
  const ProcessUse sum = sum_now();
  use_.private_before = sum.private_dirty;
  use_.resident_before = sum.resident;
  use_.virtual_before = sum.virtual_size;
  use_.threads_before = sum.threads;
}

void ServerWatch::start() {
  sum_now();
  // One that is made later begins with nothing.
  for (auto& [pid, watched] : processes_) watched.first = watched.last;
  next_look_ = 0;
}

void ServerWatch::look(Nanos now, Nanos room) {
  if (use_.processes == 0 || now < next_look_ || room < kRoomToLook) return;
  const Nanos began = monotonic_now();
  find();
  sum_now();
  next_look_ = now + std::max(kLookPeriod, kShare * (monotonic_now() - began));
}

void ServerWatch::finish() {
  if (use_.processes == 0) return;
  find();
  sum_now();
  for (const auto& [pid, watched] : processes_) {
    use_.cpu += std::max<Nanos>(0, watched.last.cpu - watched.first.cpu);
    use_.voluntary_switches +=
        std::max<std::int64_t>(0, watched.last.voluntary_switches - watched.first.voluntary_switches);
    use_.involuntary_switches +=
        std::max<std::int64_t>(0, watched.last.involuntary_switches - watched.first.involuntary_switches);
  }
}

}  // namespace lab
