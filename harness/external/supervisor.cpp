#include "harness/external/supervisor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "harness/trace/server_use.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/text.hpp"

namespace lab {

/// In memory that outlives the supervisor. Written by the supervisor, and by the program before its exec;
/// read by us after the end of the pipe that exec closes, or after `ended`.
struct SupervisorStatus {
  enum Step { none, folder, program_file };
  std::atomic<pid_t> program{0};
  std::atomic<int> step{none};  // that failed, or is being done
  std::atomic<int> error{0};    // of that step
  std::atomic<int> status{0};
  std::atomic<bool> forced{false};  // it had to be killed
  std::atomic<bool> ended{false};   // release: publishes `status` and `forced`
};

namespace {

constexpr int kPassOn = SIGTERM;     // us: end in order
constexpr int kKillAll = SIGQUIT;    // us: end at once
constexpr int kParentGone = SIGHUP;  // the kernel: nobody is there any more to ask
constexpr Nanos kLook = 100 * kMillisecond;
constexpr Nanos kKillPatience = 5 * kSecond;  // for processes that even KILL does not end soon
constexpr off_t kKept = 65'536;
constexpr off_t kTrimAt = 1 << 20;
constexpr std::size_t kLongestLine = 400;

sigset_t watched_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {kPassOn, kKillAll, kParentGone, SIGCHLD}) sigaddset(&watched, number);
  return watched;
}

timespec span_of(Nanos span) {
  return {span / kSecond, span % kSecond};
}

/// Gives back the memory of what the program wrote long ago.
void trim(int output, off_t& trimmed) {
  struct stat status {};
  if (fstat(output, &status) != 0 || status.st_size - trimmed < kTrimAt) return;
  const off_t end = (status.st_size - kKept) / kKept * kKept;
  if (fallocate(output, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, trimmed, end - trimmed) == 0)
    trimmed = end;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return "ended with exit code 0 (a server must stay in the foreground)";
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

/// The process that the program descends from, and what it does all its life.
class Watch {
 public:
  Watch(SupervisorStatus& news, int output) : status_(news), output_(output) {}

  int run(const SupervisedProgram& program, pid_t parent, int started) {
    dup2(STDIN_FILENO, STDERR_FILENO);  // whoever reads ours must not wait for the supervisor to end
    sigprocmask(SIG_BLOCK, &watched_, nullptr);
    prctl(PR_SET_PDEATHSIG, kParentGone, 0, 0, 0);
    if (getppid() != parent) return 1;
    setpgid(0, 0);
    prctl(PR_SET_NAME, "lab-supervisor", 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // It is killed should the supervisor be.
    auto child = ChildProcess::start("", {output_, started}, [&] { return exec_child(program); });
    if (!child) {
      status_.error.store(errno);
      return 1;
    }
    program_ = child->pid();
    status_.program.store(program_);
    close(started);
    while (!status_.ended.load(std::memory_order_relaxed) && !all_must_go_) look_after();
    kill_all();
    _exit(0);  // the program was reaped with its descendants
  }

 private:
  int exec_child(const SupervisedProgram& program) {
    setsid();
    dup2(output_, STDOUT_FILENO);
    dup2(output_, STDERR_FILENO);
    for (const auto& [name, value] : program.environment) setenv(name.c_str(), value.c_str(), 1);
    status_.step.store(SupervisorStatus::folder);
    if (program.folder.empty() || chdir(program.folder.c_str()) == 0) {
      status_.step.store(SupervisorStatus::program_file);
      execute(program.arguments);
    }
    status_.error.store(errno);
    return 127;
  }

  void look_after() {
    take_signal(kLook);
    reap();
    trim(output_, trimmed_);
  }

  void take_signal(Nanos patience) {
    const timespec span = span_of(patience);
    const int number = sigtimedwait(&watched_, nullptr, &span);
    if (number == kKillAll || number == kParentGone) all_must_go_ = true;
    if (number != kPassOn || status_.ended.load(std::memory_order_relaxed)) return;
    ::kill(program_, SIGTERM);
    ::kill(program_, SIGCONT);  // a stopped process would never see it
  }

  /// False: there is no child any more, and so no descendant, because orphans become children of this one.
  bool reap() {
    int status = 0;
    pid_t child = 0;
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
      if (child != program_) continue;
      status_.status.store(status, std::memory_order_relaxed);
      status_.forced.store(all_must_go_, std::memory_order_relaxed);
      status_.ended.store(true, std::memory_order_release);
    }
    return child == 0 || errno != ECHILD;
  }

  void kill_all() {
    const Nanos until = monotonic_now() + kKillPatience;
    while (reap() && monotonic_now() < until) {
      for (const pid_t pid : descendants_of(getpid()))
        kill_if(pid, [pid] { return descends_from(pid, getpid()); });
      take_signal(kMillisecond);
    }
  }

  SupervisorStatus& status_;
  const int output_;
  const sigset_t watched_ = watched_signals();
  pid_t program_ = -1;
  off_t trimmed_ = 0;
  bool all_must_go_ = false;
};

}  // namespace

void execute(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
}

Supervisor::~Supervisor() {
  kill();
}

Result<Supervisor> Supervisor::start(const SupervisedProgram& program) {
  const std::string& name = program.arguments.front();
  fill_standard_descriptors();
  Supervisor supervisor;
  LAB_TRY(supervisor.status_, SharedMemory<SupervisorStatus>::create(name));
  supervisor.output_ = UniqueFd(memfd_create("lab-output", MFD_CLOEXEC));
  if (!supervisor.output_.valid()) return system_error("memfd_create", name, errno);
  fcntl(supervisor.output_.get(), F_SETFL, O_APPEND);  // several processes may write into it
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe2", name, errno);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  // Should the supervisor itself be killed, its orphans come to us (prctl(2)).
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  const pid_t parent = getpid();
  const int output = supervisor.output_.get();
  LAB_TRY(supervisor.child_, ChildProcess::start(name, {output, writing.get()}, [&] {
            return Watch(*supervisor.status_, output).run(program, parent, writing.get());
          }));
  setpgid(supervisor.pid(), supervisor.pid());  // whoever comes first, parent or child
  writing.reset();

  // Its end comes with the program's image, or when the attempt to have it failed.
  char nothing = 0;
  while (::read(reading.get(), &nothing, 1) < 0 && errno == EINTR) {
  }
  const int error = supervisor.status_->error.load();
  if (error == 0 && supervisor.program() > 0) return supervisor;
  const int step = supervisor.status_->step.load();
  supervisor.kill();
  if (step == SupervisorStatus::folder) return system_error("chdir", program.folder, error);
  if (error == ENOENT) return environment_error("cannot start '{}': there is no such program", name);
  if (error == EACCES)
    return environment_error("cannot start '{}': it is not executable (chmod +x, or name its interpreter)",
                             name);
  return system_error("exec", name, error == 0 ? ECHILD : error);
}

pid_t Supervisor::program() const {
  return status_ ? status_->program.load() : -1;
}

std::optional<int> Supervisor::exit_code() const {
  if (!status_ || !status_->ended.load(std::memory_order_acquire)) return std::nullopt;
  const int status = status_->status.load(std::memory_order_relaxed);
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

std::optional<std::string> Supervisor::ended() {
  if (!child_.there()) return std::nullopt;
  std::string how;
  if (status_->ended.load(std::memory_order_acquire)) {
    how = describe_end(status_->status.load(std::memory_order_relaxed));
  } else if (child_.news(WEXITED | WNOWAIT) != 0) {
    how = "was lost: its supervisor was killed";
  } else {
    return std::nullopt;
  }
  const std::string words = last_words();
  return words.empty() ? how + " and said nothing" : fmt::format("{}: {}", how, words);
}

bool Supervisor::await_end(Nanos until) {
  const pid_t session = program();
  const auto status = child_.await_end(until);
  if (status && (*status < 0 || !WIFEXITED(*status))) end_session(session);
  return status.has_value();
}

bool Supervisor::stop(Nanos patience) {
  if (!child_.there()) return true;
  child_.signal(kPassOn);
  if (!await_end(monotonic_now() + patience)) kill();
  return status_->ended.load(std::memory_order_acquire) && !status_->forced.load(std::memory_order_relaxed);
}

void Supervisor::kill() {
  if (!child_.there()) return;
  child_.signal(kKillAll);
  child_.signal(SIGCONT);
  if (await_end(monotonic_now() + kKillPatience + kSecond)) return;
  const pid_t session = program();
  child_ = {};
  end_session(session);
}

/// Without a supervisor: its orphans are ours, and those of the program's session are known by that.
void Supervisor::end_session(pid_t session) {
  const Nanos until = monotonic_now() + kKillPatience;
  for (bool more = session > 0; more && monotonic_now() < until;) {
    more = false;
    for (const pid_t pid : descendants_of(getpid())) {
      if (getsid(pid) != session) continue;
      more = true;
      kill_if(pid, [&] { return getsid(pid) == session && descends_from(pid, getpid()); });
      waitpid(pid, nullptr, WNOHANG);
    }
    if (more) sleep_until(monotonic_now() + kMillisecond);
  }
}

std::string Supervisor::output() const {
  struct stat status {};
  if (!output_.valid() || fstat(output_.get(), &status) != 0) return "";
  const off_t from = std::max<off_t>(0, status.st_size - kKept);
  std::string text(static_cast<std::size_t>(status.st_size - from), '\0');
  const ssize_t size = pread(output_.get(), text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  if (const std::size_t newline = text.find('\n'); from > 0 && newline != std::string::npos)
    text.erase(0, newline + 1);
  return text;
}

std::vector<std::string> Supervisor::last_lines(std::size_t most) const {
  std::vector<std::string> lines;
  for (std::string& line : split(output(), '\n')) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.size() > kLongestLine) line = line.substr(0, kLongestLine) + " ...";
    line = printable(line, false);  // whatever it wrote is shown on our reader's terminal
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  return lines;
}

std::string Supervisor::last_words() const {
  const std::vector<std::string> lines = last_lines(SIZE_MAX);
  const auto names_fault = [](const std::string& line) {
    const std::string_view words[] = {"rror", "xception", "panic", "fatal", "Fatal"};
    return line.front() != ' ' && line.front() != '\t' &&
           std::ranges::any_of(words,
                               [&](std::string_view word) { return line.find(word) != std::string::npos; });
  };
  const auto fault = std::find_if(lines.rbegin(), lines.rend(), names_fault);
  if (fault != lines.rend()) return *fault;
  return lines.empty() ? "" : std::string(trim(lines.back()));
}

Result<Supervisor> run_to_end(const SupervisedProgram& program, Nanos patience) {
  LAB_TRY(Supervisor supervisor, Supervisor::start(program));
  const Nanos end = monotonic_now() + patience;
  std::optional<std::string> ended;
  while (!(ended = supervisor.ended()) && monotonic_now() < end && interrupt_signal() == 0)
    sleep_until(monotonic_now() + 5 * kMillisecond);
  const std::string& name = program.arguments.front();
  if (!ended && interrupt_signal() != 0) return environment_error("{}: interrupted", name);
  if (!ended) return environment_error("{}: no end after {} s", name, patience / kSecond);
  if (supervisor.exit_code() != 0) return environment_error("{}: {}", name, *ended);
  return supervisor;
}

}  // namespace lab
