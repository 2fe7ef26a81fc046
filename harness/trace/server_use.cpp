#include "harness/trace/server_use.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

constexpr Nanos kLookPeriod = 50 * kMillisecond;
constexpr Nanos kRoomToLook = 5 * kMillisecond;
constexpr Nanos kShare = 100;  // of the time, at most one in so many goes into looking
constexpr std::int64_t kKilobyte = 1024;

/// Empty where it cannot be read: a process may end at any moment.
std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // an iterator would throw where the process ends between open and read
  return text.str();
}

fs::path folder_of(pid_t pid, const std::string& proc = "/proc") {
  return fs::path(proc) / std::to_string(pid);
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words = split(line, ' ');
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  return words;
}

/// The number behind `key` at the beginning of a line.
std::optional<std::int64_t> number_of(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::string_view value = trim(text.substr(at + key.size()));
    return number_in<std::int64_t>(value.substr(0, value.find_first_not_of("0123456789")));
  }
  return std::nullopt;
}

/// What stands in /proc/PID/stat from the state on: the name before it, in parentheses, may hold anything.
std::vector<std::string> fields_behind_name(std::string_view stat) {
  return words_of(stat.substr(std::min(stat.rfind(')'), stat.size() - 1) + 1));
}

std::vector<pid_t> children_of(pid_t pid, const std::string& proc = "/proc") {
  std::vector<pid_t> children;
  // A child belongs to the thread that made it.
  for (const fs::path& task : entries_of(folder_of(pid, proc) / "task")) {
    std::ifstream file(task / "children");
    children.insert(children.end(), std::istream_iterator<pid_t>(file), {});
  }
  return children;
}

void add_descendants(std::vector<pid_t>& family, const std::string& proc) {
  for (std::size_t i = 0; i < family.size(); ++i) {
    const std::vector<pid_t> made = children_of(family[i], proc);
    family.insert(family.end(), made.begin(), made.end());
  }
}

/// Nanoseconds where the kernel has them; its files count hundredths of a second.
std::optional<Nanos> cpu_clock(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return std::nullopt;
  return time.tv_sec * kSecond + time.tv_nsec;
}

/// What of a process's use is added up, and where the sums go.
struct SummedUse {
  std::int64_t ProcessUse::*value;
  std::int64_t ServerUse::*before;
  std::int64_t ServerUse::*peak;
};
constexpr std::array<SummedUse, 4> kSummedUses{{
    {&ProcessUse::private_dirty, &ServerUse::private_before, &ServerUse::private_peak},
    {&ProcessUse::resident, &ServerUse::resident_before, &ServerUse::resident_peak},
    {&ProcessUse::virtual_size, &ServerUse::virtual_before, &ServerUse::virtual_peak},
    {&ProcessUse::threads, &ServerUse::threads_before, &ServerUse::threads_peak},
}};

}  // namespace

std::optional<std::int64_t> private_dirty_in(std::string_view smaps_rollup) {
  const auto kilobytes = number_of(smaps_rollup, "Private_Dirty:");
  return kilobytes ? std::optional(*kilobytes * kKilobyte) : std::nullopt;
}

bool read_status(std::string_view status, ProcessUse& use) {
  struct Line {
    std::string_view key;
    std::int64_t ProcessUse::*value;
    std::int64_t unit = 1;
  };
  static constexpr std::array<Line, 5> kLines{
      {{"VmRSS:", &ProcessUse::resident, kKilobyte},
       {"VmSize:", &ProcessUse::virtual_size, kKilobyte},
       {"Threads:", &ProcessUse::threads},
       {"voluntary_ctxt_switches:", &ProcessUse::voluntary_switches},
       {"nonvoluntary_ctxt_switches:", &ProcessUse::involuntary_switches}}};
  return std::ranges::all_of(kLines, [&](const Line& line) {
    const auto number = number_of(status, line.key);
    use.*line.value = number.value_or(0) * line.unit;
    return number.has_value();
  });
}

std::optional<Nanos> cpu_in(std::string_view stat, long ticks) {
  constexpr std::size_t kUserTime = 11;
  const std::vector<std::string> fields = fields_behind_name(stat);
  if (fields.size() <= kUserTime + 1 || ticks <= 0) return std::nullopt;
  const auto user = number_in<Nanos>(fields[kUserTime]);
  const auto system = number_in<Nanos>(fields[kUserTime + 1]);
  return user && system ? std::optional((*user + *system) * (kSecond / ticks)) : std::nullopt;
}

std::optional<int> slot_in(std::string_view comm) {
  constexpr std::string_view kName = "lab-worker-";
  if (!comm.starts_with(kName)) return std::nullopt;
  const auto slot = number_in<int>(comm.substr(kName.size(), comm.find('\n') - kName.size()));
  return slot && *slot >= 0 ? slot : std::nullopt;
}

std::vector<ListeningSocket> listening_sockets(std::string_view net_tcp) {
  constexpr std::size_t kAddress = 1, kState = 3, kInode = 9;
  std::vector<ListeningSocket> sockets;
  for (const std::string& line : split(net_tcp, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() <= kInode || words[kState] != "0A") continue;
    const std::string& address = words[kAddress];
    const std::size_t colon = address.rfind(':');
    const auto port = number_in<std::uint16_t>(address.substr(colon + 1), 16);
    if (port) sockets.push_back({"socket:[" + words[kInode] + "]", address.substr(0, colon), *port});
  }
  return sockets;
}

std::vector<ListeningSocket> sockets_around(pid_t pid) {
  std::vector<ListeningSocket> sockets;
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    for (ListeningSocket& socket : listening_sockets(text_of(folder_of(pid) / table)))
      sockets.push_back(std::move(socket));
  }
  return sockets;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    entries.push_back(entry->path());
  return entries;
}

std::map<std::string, std::string> descriptors_of(pid_t pid) {
  std::map<std::string, std::string> descriptors;
  std::error_code gone;
  for (const fs::path& entry : entries_of(folder_of(pid) / "fd"))
    descriptors[entry.filename()] = fs::read_symlink(entry, gone);
  return descriptors;
}

std::set<std::uint16_t> listening_ports(std::span<const pid_t> pids) {
  std::set<std::uint16_t> ports;
  if (pids.empty()) return ports;
  const auto sockets = sockets_around(pids.front());
  for (const pid_t pid : pids) {
    for (const auto& [number, target] : descriptors_of(pid)) {
      const auto found = std::ranges::find(sockets, target, &ListeningSocket::name);
      if (found != sockets.end()) ports.insert(found->port);
    }
  }
  return ports;
}

std::vector<ListeningProcess> find_listeners(std::span<const pid_t> pids, std::uint16_t port) {
  std::vector<ListeningProcess> listeners;
  if (pids.empty()) return listeners;
  std::vector<ListeningSocket> sockets = sockets_around(pids.front());
  std::erase_if(sockets, [port](const ListeningSocket& socket) { return socket.port != port; });
  if (sockets.empty()) return listeners;
  for (const pid_t pid : pids) {
    std::set<std::string> mine;
    std::vector<std::string> epolls;
    for (const auto& [number, target] : descriptors_of(pid)) {
      if (std::ranges::find(sockets, target, &ListeningSocket::name) != sockets.end()) mine.insert(number);
      if (target == "anon_inode:[eventpoll]") epolls.push_back(number);
    }
    if (mine.empty()) continue;
    std::string watched;  // `tfd:        5 events: …` for each descriptor in an epoll set
    for (const std::string& epoll : epolls) watched += text_of(folder_of(pid) / "fdinfo" / epoll);
    const std::vector<std::string> lines = split(watched, '\n');
    const bool watches = std::ranges::any_of(lines, [&](const std::string& line) {
      const std::vector<std::string> words = words_of(line);
      return words.size() > 1 && words[0] == "tfd:" && mine.contains(words[1]);
    });
    listeners.push_back({pid, watches});
  }
  return listeners;
}

std::map<int, pid_t> find_workers(pid_t master, const std::string& proc) {
  std::map<int, pid_t> workers;
  if (master <= 0) return workers;
  for (const pid_t pid : children_of(master, proc)) {
    if (const auto slot = slot_in(text_of(folder_of(pid, proc) / "comm"))) workers[*slot] = pid;
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
    const std::vector<std::string> fields = fields_behind_name(text_of(folder_of(pid) / "stat"));
    pid = fields.size() > 1 ? number_in<pid_t>(fields[1]).value_or(0) : 0;
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
  const pid_t pid = find_workers(master)[slot];
  return pid > 0 && kill_if(pid, [&] { return find_workers(master)[slot] == pid; });
}

void ForeignWorkers::look() {
  if (supervisor_ <= 0) return;
  const std::vector<pid_t> programs = children_of(supervisor_);
  std::vector<pid_t> workers;
  for (const ListeningProcess& listener : find_listeners(descendants_of(supervisor_), port_)) {
    if (std::ranges::find(programs, listener.pid) == programs.end()) workers.push_back(listener.pid);
  }
  take(workers.empty() ? programs : workers);
}

void ForeignWorkers::take(std::vector<pid_t> alive) {
  std::ranges::sort(alive);
  alive.erase(std::unique(alive.begin(), alive.end()), alive.end());
  for (pid_t& pid : now_) {
    if (!std::binary_search(alive.begin(), alive.end(), pid)) pid = 0;
  }
  for (const pid_t pid : alive) {
    if (std::ranges::find(now_, pid) != now_.end()) continue;
    auto free = std::ranges::find(now_, 0);
    if (free == now_.end()) free = now_.insert(now_.end(), 0);
    *free = pid;
    slots_[pid] = static_cast<int>(free - now_.begin());
  }
}

bool ForeignWorkers::kill(int slot) {
  if (supervisor_ <= 0) return false;
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
  if (foreign_ && master_ > 0) alive_ = descendants_of(master_, proc_);
  if (!foreign_) {
    for (const auto& [slot, pid] : find_workers(master_, proc_)) alive_.push_back(pid);
  }
  use_.processes = std::max(use_.processes, static_cast<int>(alive_.size()));
  if (!foreign_) add_descendants(alive_, proc_);
}

bool ServerWatch::read(pid_t pid, ProcessUse& use) const {
  const fs::path folder = folder_of(pid, proc_);
  if (!read_status(text_of(folder / "status"), use)) return false;
  use.private_dirty = private_dirty_in(text_of(folder / "smaps_rollup")).value_or(0);
  auto cpu = proc_ == "/proc" ? cpu_clock(pid) : std::nullopt;
  if (!cpu) cpu = cpu_in(text_of(folder / "stat"), sysconf(_SC_CLK_TCK));
  use.cpu = cpu.value_or(0);
  // The counts of `status` are the first thread's only; a thread that has ended is forgotten.
  std::int64_t voluntary = 0;
  std::int64_t involuntary = 0;
  for (const fs::path& task : entries_of(folder / "task")) {
    const std::string status = text_of(task / "status");
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
    for (const SummedUse& summed : kSummedUses) sum.*summed.value += use.*summed.value;
  }
  for (const SummedUse& summed : kSummedUses)
    use_.*summed.peak = std::max(use_.*summed.peak, sum.*summed.value);
  return sum;
}

void ServerWatch::before() {
  find();
  const ProcessUse sum = sum_now();
  for (const SummedUse& summed : kSummedUses) use_.*summed.before = sum.*summed.value;
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
