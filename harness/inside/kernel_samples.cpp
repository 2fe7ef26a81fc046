#include "harness/inside/kernel_samples.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "harness/trace/server_use.hpp"
#include "lab/core/process.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr Nanos kFindEvery = 200 * kMillisecond;
constexpr Nanos kPeersEvery = 50 * kMillisecond;
constexpr std::string_view kListens = "new connections";
constexpr std::size_t kMaxMoments = 2'000'000;

/// What a system call waits for, and which of its arguments says what that is about.
enum class About : std::uint8_t { nothing, descriptor, poll_set, select_set, futex };

struct KnownCall {
  long number;  // NOLINT(google-runtime-int): as the kernel has it
  std::string_view name;
  CallKind kind;
  About about = About::nothing;
};

constexpr KnownCall kCalls[] = {
    {SYS_clock_nanosleep, "clock_nanosleep", CallKind::sleeping},
    {SYS_nanosleep, "nanosleep", CallKind::sleeping},
    {SYS_epoll_pwait, "epoll_wait", CallKind::events},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_wait", CallKind::events},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", CallKind::events},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll", CallKind::events, About::poll_set},
#endif
    {SYS_ppoll, "poll", CallKind::events, About::poll_set},
#ifdef SYS_select
    {SYS_select, "select", CallKind::events, About::select_set},
#endif
    {SYS_pselect6, "select", CallKind::events, About::select_set},
    {SYS_accept, "accept", CallKind::events},
    {SYS_accept4, "accept", CallKind::events},
    {SYS_io_uring_enter, "io_uring_enter", CallKind::events},
    {SYS_read, "read", CallKind::receiving, About::descriptor},
    {SYS_readv, "readv", CallKind::receiving, About::descriptor},
    {SYS_pread64, "pread", CallKind::receiving, About::descriptor},
    {SYS_recvfrom, "recv", CallKind::receiving, About::descriptor},
    {SYS_recvmsg, "recvmsg", CallKind::receiving, About::descriptor},
    {SYS_write, "write", CallKind::sending, About::descriptor},
    {SYS_writev, "writev", CallKind::sending, About::descriptor},
    {SYS_pwrite64, "pwrite", CallKind::sending, About::descriptor},
    {SYS_sendto, "send", CallKind::sending, About::descriptor},
    {SYS_sendmsg, "sendmsg", CallKind::sending, About::descriptor},
    {SYS_futex, "futex", CallKind::locked, About::futex},
    {SYS_connect, "connect", CallKind::connecting, About::descriptor},
    {SYS_fsync, "fsync", CallKind::file, About::descriptor},
    {SYS_fdatasync, "fdatasync", CallKind::file, About::descriptor},
    {SYS_flock, "flock", CallKind::file, About::descriptor},
    {SYS_fcntl, "fcntl", CallKind::file, About::descriptor},
    {SYS_openat, "open", CallKind::file},
    {SYS_wait4, "wait4", CallKind::child},
    {SYS_waitid, "waitid", CallKind::child},
};

/// The kernel's functions that say the same, without arguments.
struct KnownSleep {
  std::string_view function;
  std::string_view name;
  CallKind kind;
};

constexpr KnownSleep kSleeps[] = {
    {"hrtimer_nanosleep", "clock_nanosleep", CallKind::sleeping},
    {"do_nanosleep", "clock_nanosleep", CallKind::sleeping},
    {"ep_poll", "epoll_wait", CallKind::events},
    {"do_epoll_wait", "epoll_wait", CallKind::events},
    {"poll_schedule_timeout", "poll", CallKind::events},
    {"do_poll", "poll", CallKind::events},
    {"do_sys_poll", "poll", CallKind::events},
    {"do_select", "select", CallKind::events},
    {"inet_csk_accept", "accept", CallKind::events},
    {"futex_wait_queue", "futex", CallKind::locked},
    {"futex_wait_queue_me", "futex", CallKind::locked},
    {"futex_wait", "futex", CallKind::locked},
    {"sk_wait_data", "recv", CallKind::receiving},
    {"wait_woken", "recv", CallKind::receiving},
    {"unix_stream_data_wait", "recv", CallKind::receiving},
    {"unix_stream_read_generic", "recv", CallKind::receiving},
    {"pipe_read", "read", CallKind::receiving},
    {"anon_pipe_read", "read", CallKind::receiving},
    {"pipe_write", "write", CallKind::sending},
    {"anon_pipe_write", "write", CallKind::sending},
    {"sk_stream_wait_memory", "send", CallKind::sending},
    {"inet_stream_connect", "connect", CallKind::connecting},
    {"do_wait", "wait4", CallKind::child},
};

/// Services by the port that they usually have.
constexpr std::pair<std::uint16_t, std::string_view> kServices[] = {
    {53, "DNS"},          {80, "HTTP"},         {443, "HTTPS"},       {25, "SMTP"},
    {3306, "MySQL"},      {5432, "PostgreSQL"}, {5433, "PostgreSQL"}, {5672, "RabbitMQ"},
    {6379, "Redis"},      {6432, "PgBouncer"},  {9092, "Kafka"},      {9200, "Elasticsearch"},
    {11211, "memcached"}, {27017, "MongoDB"}};

const KnownCall* known_call(long number) {  // NOLINT(google-runtime-int): as the kernel has it
  for (const KnownCall& call : kCalls) {
    if (call.number == number) return &call;
  }
  return nullptr;
}

/// One of the kernel's small files, in one go; empty where it can't be read (errno).
std::string read_small(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  std::array<char, 1024> text;
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
}

std::string_view line_of(const std::string& text) {
  return std::string_view(text).substr(0, text.find('\n'));
}

/// `0100007F:1538` of the tables.
std::string address_in(std::string_view digits) {
  const std::size_t colon = digits.find(':');
  const auto port = number_in<std::uint16_t>(digits.substr(std::min(colon + 1, digits.size())), 16);
  if (colon == std::string_view::npos || !port || (colon != 8 && colon != 32)) return "";
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < colon / 8; ++i)
    words.at(i) = number_in<std::uint32_t>(digits.substr(8 * i, 8), 16).value_or(0);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool mapped = colon == 32 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xFFFF);
  const bool six = colon == 32 && !mapped;
  if (inet_ntop(six ? AF_INET6 : AF_INET, mapped ? &words[3] : words.data(), text.data(), text.size()) ==
      nullptr)
    return "";
  std::string name =
      six ? fmt::format("[{}]:{}", text.data(), *port) : fmt::format("{}:{}", text.data(), *port);
  for (const auto& [number, service] : kServices) {
    if (number == *port) name += fmt::format(" ({})", service);
  }
  return name;
}

/// The first descriptor of a poll(2), read from the memory of a process that we may trace; -1: it may not be.
int polled_descriptor(pid_t pid, std::uint64_t address) {
  pollfd first{};
  const iovec here{&first, sizeof first};
  const iovec there{reinterpret_cast<void*>(address), sizeof first};  // NOLINT(performance-no-int-to-ptr)
  return process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof first ? first.fd : -1;
}

}  // namespace

std::string read_whole(const std::string& path) {
  constexpr std::size_t kMost = 64U << 20U;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::string text;
  std::array<char, 16384> part;
  ssize_t size = 0;
  while (file.valid() && text.size() < kMost && (size = ::read(file.get(), part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

std::optional<CallWords> call_in(std::string_view syscall) {
  CallWords call;
  if (syscall.starts_with("running")) return call;
  std::vector<std::string> words = split(trim(syscall.substr(0, syscall.find('\n'))), ' ');
  const auto number = number_in<int>(words.front());
  if (!number) return std::nullopt;
  call.number = *number;
  for (std::size_t i = 0; i < std::size(call.arguments) && i + 1 < words.size(); ++i) {
    const std::string& word = words[i + 1];
    call.arguments[i] =
        number_in<std::uint64_t>(word.substr(std::min<std::size_t>(2, word.size())), 16).value_or(0);
  }
  return call;
}

Doing doing_of(const CallWords& call) {
  if (call.number < 0) return {CallKind::running, "running", "", ""};
  const KnownCall* known = known_call(call.number);
  if (known == nullptr) return {CallKind::other, fmt::format("call {}", call.number), "", ""};
  Doing doing{known->kind, std::string(known->name), "", ""};
  // Without a descriptor it is a sleep, as Python has it up to 3.10.
  if (known->about == About::select_set && call.arguments[0] == 0) doing.kind = CallKind::sleeping;
  if (known->about == About::futex) {
    // futex(2): an interpreter lock is waited for some milliseconds at a time, a lock for as long as it
    // takes.
    if (call.arguments[3] != 0) doing.kind = CallKind::taking_turns;
    doing.about = fmt::format("{:#x}", call.arguments[0]);
  }
  return doing;
}

Doing doing_of(std::string_view wchan, char state) {
  if (state == 'R') return {CallKind::running, "running", "", ""};
  for (const KnownSleep& sleep : kSleeps) {
    if (wchan == sleep.function) return {sleep.kind, std::string(sleep.name), "", ""};
  }
  if (state == 'D') return {CallKind::file, "the disk", "", ""};
  const bool named = !wchan.empty() && wchan != "0";
  return {CallKind::other, named ? std::string(wchan) : "an unknown call", "", ""};
}

std::map<std::string, std::string> peers_in(std::string_view table) {
  constexpr std::size_t kPeer = 2, kState = 3, kInode = 9;
  std::map<std::string, std::string> peers;
  for (const std::string& line : split(table, '\n')) {
    std::vector<std::string> words = split(line, ' ');
    std::erase_if(words, [](const std::string& word) { return word.empty(); });
    if (words.size() <= kInode) continue;
    const std::string name = fmt::format("socket:[{}]", words[kInode]);
    if (words[kPeer].ends_with(":0000")) {
      if (words[kState] == "0A") peers[name] = kListens;
      continue;
    }
    if (std::string peer = address_in(words[kPeer]); !peer.empty()) peers[name] = std::move(peer);
  }
  return peers;
}

KernelSampler::KernelSampler(std::vector<pid_t> roots, std::string proc)
    : roots_(std::move(roots)), proc_(std::move(proc)) {}

void KernelSampler::find(Nanos now) {
  if (found_ != 0 && now - found_ < kFindEvery) return;
  found_ = now;
  std::set<pid_t> all(roots_.begin(), roots_.end());
  for (const pid_t root : roots_) {
    for (const pid_t below : descendants_of(root, proc_)) all.insert(below);
  }
  family_.assign(all.begin(), all.end());
  for (const pid_t pid : family_) {
    struct stat status {};
    if (!samples_.processes.insert(pid).second) continue;
    if (stat(fmt::format("{}/{}", proc_, pid).c_str(), &status) == 0 && status.st_uid != geteuid())
      samples_.other_user = status.st_uid;
  }
}

void KernelSampler::look(Nanos now) {
  if (samples_.moments.size() >= kMaxMoments) return;
  find(now);
  now_ = now;
  samples_.looks.push_back(now);
  for (const pid_t pid : family_) {
    for (const auto& task : entries_of(fmt::format("{}/{}/task", proc_, pid))) {
      if (const auto thread = number_in<pid_t>(task.filename().string())) look_at(pid, *thread, now);
    }
  }
}

void KernelSampler::look_at(pid_t pid, pid_t thread, Nanos now) {
  Doing doing = read_doing(pid, thread);
  if (doing.call.empty()) return;  // it is gone
  samples_.threads[thread].pid = pid;
  const auto [known, fresh] = known_.try_emplace(doing, static_cast<std::uint32_t>(samples_.doings.size()));
  if (fresh) samples_.doings.push_back(std::move(doing));
  samples_.moments.push_back({now, thread, known->second});
}

Doing KernelSampler::read_doing(pid_t pid, pid_t thread) {
  const std::string folder = fmt::format("{}/{}/task/{}/", proc_, pid, thread);
  if (!samples_.calls_unreadable) {
    errno = 0;
    const std::string text = read_small(folder + "syscall");
    if (const auto call = text.empty() ? std::nullopt : call_in(text)) {
      Doing doing = doing_of(*call);
      const KnownCall* known = known_call(call->number);
      if (known == nullptr) return doing;
      if (known->about == About::descriptor) add_object(pid, call->arguments[0], doing);
      if (known->about == About::poll_set && call->arguments[1] == 1) {
        doing.kind =
            CallKind::receiving;  // poll of a single descriptor: a client library that has a time limit
        const int descriptor = polled_descriptor(pid, call->arguments[0]);
        if (descriptor >= 0) add_object(pid, static_cast<std::uint64_t>(descriptor), doing);
        if (doing.about == kListens) doing.kind = CallKind::events;
      }
      return doing;
    }
    if (errno == EPERM || errno == EACCES) samples_.calls_unreadable = true;
  }
  const std::string stat = read_small(folder + "stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return {};
  return doing_of(line_of(read_small(folder + "wchan")), stat[name_end + 2]);
}

void KernelSampler::add_object(pid_t pid, std::uint64_t descriptor, Doing& doing) {
  std::error_code problem;
  const std::string target =
      std::filesystem::read_symlink(fmt::format("{}/{}/fd/{}", proc_, pid, descriptor), problem).string();
  if (problem) {
    samples_.sockets_unreadable |= problem == std::errc::permission_denied;
    return;
  }
  if (target.starts_with("socket:")) {
    doing.by = target;
    doing.about = peer_of(pid, target);
  } else if (target.starts_with("pipe:")) {
    doing.about = "a pipe";
  } else if (target.starts_with("/dev/pts") || target == "/dev/tty") {
    doing.about = "the terminal";
  } else if (target.starts_with("/")) {
    doing.about = target;
    if (doing.kind == CallKind::receiving || doing.kind == CallKind::sending) doing.kind = CallKind::file;
  } else if (target.starts_with("anon_inode:[eventfd]") || target.starts_with("anon_inode:[eventpoll]")) {
    doing.kind = CallKind::events;
  }
}

const std::string& KernelSampler::peer_of(pid_t pid, const std::string& socket) {
  static const std::string kUnknown = "a socket";
  auto found = peers_.find(socket);
  if (found == peers_.end() && (peers_read_ == 0 || now_ - peers_read_ >= kPeersEvery)) {
    peers_read_ = now_;
    for (const char* table : {"tcp", "tcp6", "udp", "udp6"}) {
      for (auto& [name, peer] : peers_in(read_whole(fmt::format("{}/{}/net/{}", proc_, pid, table))))
        peers_[name] = std::move(peer);
    }
    found = peers_.find(socket);
  }
  return found != peers_.end() ? found->second : kUnknown;
}

void KernelSampler::count(bool after) {
  if (!after) samples_.last_at_rest = now_;
  for (auto& [thread, facts] : samples_.threads) {
    const std::string folder = fmt::format("{}/{}/task/{}/", proc_, facts.pid, thread);
    const std::vector<std::string> words = split(line_of(read_small(folder + "schedstat")), ' ');
    const auto cpu = number_in<Nanos>(words.front());
    ProcessUse use;
    if (!cpu || !read_status(read_whole(folder + "status"), use)) continue;
    (after ? facts.cpu_after : facts.cpu_before) = *cpu;
    (after ? facts.switches_after : facts.switches_before) =
        use.voluntary_switches + use.involuntary_switches;
  }
}

}  // namespace lab
