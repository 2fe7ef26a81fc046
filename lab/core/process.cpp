#include "lab/core/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "lab/core/text.hpp"

namespace lab {

void begin_child(pid_t parent, std::initializer_list<int> keep) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // The parent may have died before the line above.
  if (getppid() != parent) _exit(1);
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) std::signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  unsigned from = STDERR_FILENO + 1;
  for (;;) {
    unsigned next = ~0U;
    for (const int fd : keep) {
      if (fd >= 0 && static_cast<unsigned>(fd) >= from) next = std::min(next, static_cast<unsigned>(fd));
    }
    if (next == ~0U) break;
    if (next > from) close_range(from, next - 1, 0);
    from = next + 1;
  }
  close_range(from, ~0U, 0);
}

namespace fs = std::filesystem;

namespace {

/// Noexcept: whatever a life throws must not reach the parent's stack.
[[noreturn]] void live(pid_t parent, std::initializer_list<int> keep,
                       const std::function<int()>& life) noexcept {
  begin_child(parent, keep);
  _exit(life());
}

struct Envelope {
  explicit Envelope(std::int32_t& number) {
    body = {&number, sizeof number};
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  iovec body{};
  msghdr message{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

Result<ChildProcess> ChildProcess::start(std::string_view what, std::initializer_list<int> keep,
                                         const std::function<int()>& life) {
  const pid_t parent = getpid();
  ChildProcess child;
  child.pid_ = fork();
  if (child.pid_ < 0) return system_error("fork", what, errno);
  if (child.pid_ == 0) live(parent, keep, life);
  return child;
}

void ChildProcess::kill() {
  if (!there()) return;
  signal(SIGKILL);
  await_end();
}

void ChildProcess::signal(int number) const {
  if (there()) ::kill(pid_, number);
}

int ChildProcess::news(int which) const {
  siginfo_t info{};
  return there() && waitid(P_PID, static_cast<id_t>(pid_), &info, which | WNOHANG) == 0 ? info.si_code : 0;
}

std::optional<int> ChildProcess::reap(int flags) {
  int status = 0;
  pid_t found = 0;
  do {
    found = there() ? waitpid(pid_, &status, flags) : -1;
  } while (found < 0 && there() && errno == EINTR);
  if (found == 0) return std::nullopt;
  pid_ = -1;
  return found < 0 ? -1 : status;
}

std::optional<int> ChildProcess::ended() {
  return there() ? reap(WNOHANG) : std::nullopt;
}

std::optional<int> ChildProcess::await_end(Nanos until) {
  for (Nanos pause = 100 * kMicrosecond;; pause = std::min(2 * pause, 2 * kMillisecond)) {
    if (const auto status = ended()) return status;
    if (monotonic_now() >= until) return std::nullopt;
    sleep_until(monotonic_now() + pause);
  }
}

void fill_standard_descriptors() {
  int fd = -1;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

void grow_descriptor_table() {
  constexpr rlim_t kEnough = 16384;  // 128 KB of the kernel's memory
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == 0) return;
  const int highest =
      fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(std::min(limit.rlim_cur, kEnough) - 1));
  if (highest >= 0) close(highest);
}

void limit_cores(int cores) {
  cpu_set_t allowed;
  if (cores <= 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&chosen) < cores; ++core) {
    if (CPU_ISSET(core, &allowed)) CPU_SET(core, &chosen);
  }
  sched_setaffinity(0, sizeof chosen, &chosen);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

bool pass_descriptor(int channel, int fd, std::int32_t number, int flags) {
  Envelope envelope(number);
  if (fd < 0) {
    envelope.message.msg_controllen = 0;
  } else {
    cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  for (;;) {
    if (sendmsg(channel, &envelope.message, flags | MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

bool take_descriptor(int channel, PassedDescriptor& passed, int flags) {
  for (;;) {
    Envelope envelope(passed.number);
    const ssize_t size = recvmsg(channel, &envelope.message, flags | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    passed.fd.reset();
    // Without a free descriptor the kernel drops the one in the message.
    const cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
    if (header == nullptr || (envelope.message.msg_flags & MSG_CTRUNC) != 0) return true;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(header), sizeof received);
    passed.fd = UniqueFd(received);
    return true;
  }
}

fs::path program_path() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path("lab") : path;
}

static std::optional<fs::path> checkout_above(fs::path folder) {
  std::error_code error;
  for (; !folder.empty(); folder = folder.parent_path()) {
    if (fs::exists(folder / "labw", error) && fs::is_directory(folder / "scenarios", error)) return folder;
    if (folder == folder.root_path()) break;
  }
  return std::nullopt;
}

std::optional<fs::path> checkout_root() {
  if (auto root = checkout_above(program_path().parent_path())) return root;
  std::error_code error;
  return checkout_above(fs::current_path(error));
}

std::optional<fs::path> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const fs::path candidate = fs::path(folder) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

fs::path installed_share() {
  return program_path().parent_path().parent_path() / "share" / "lab";
}

}  // namespace lab
