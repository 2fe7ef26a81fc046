#include "lab/servers/supervisor/family.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

namespace lab {

namespace {
constexpr Nanos kYoung = kSecond;
constexpr Nanos kWindow = 10 * kSecond;
constexpr std::size_t kMaxYoungDeaths = 5;
// Five restarts after delays of 0, 10, 20, 40 and 80 ms: a server that cannot run has said so within a
// second.
constexpr Nanos kFirstDelay = 10 * kMillisecond;
// A reload waits so long for what is in flight.
constexpr Nanos kDrain = 30 * kSecond;
// A worker that has not said by then that it can answer hangs.
constexpr Nanos kStartLimit = 10 * kSecond;
// Two looks at a worker that gives no sign are so far apart, and no further.
constexpr Nanos kSecondLook = 100 * kMillisecond;
constexpr Nanos kStoodStill = 200 * kMillisecond;

Nanos hang_limit(Nanos longest_step, double crowd) {
  return kSecond + to_nanos(seconds(longest_step) * std::max(1.0, crowd));
}

/// Threads of this machine that run or could.
int runnable_threads() {
  std::ifstream file("/proc/loadavg");
  double averages[3];
  int runnable = 1;
  file >> averages[0] >> averages[1] >> averages[2] >> runnable;
  return runnable - 1;  // who asks
}

/// Somebody looks at it with a debugger.
bool is_traced(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  std::string word;
  while (file >> word && word != "TracerPid:") {
  }
  pid_t tracer = 0;
  file >> tracer;
  return tracer != 0;
}
}  // namespace

std::optional<Nanos> RestartPolicy::on_death(Nanos now, Nanos lived, bool replied) {
  if (lived >= kYoung && replied) return now;
  while (!young_deaths_.empty() && now - young_deaths_.front() > kWindow) young_deaths_.pop_front();
  young_deaths_.push_back(now);
  const std::size_t deaths = young_deaths_.size();
  if (deaths > kMaxYoungDeaths) return std::nullopt;
  return deaths == 1 ? now : now + (kFirstDelay << (deaths - 2));
}

bool HangPolicy::hangs(Nanos now, std::optional<Nanos> silent_since, Nanos longest_step, double crowd) {
  if (!silent_since || now < *silent_since + hang_limit(longest_step, crowd)) {
    suspected_at_.reset();
    return false;
  }
  if (!suspected_at_ || now > *suspected_at_ + kStoodStill) suspected_at_ = now;
  return now >= *suspected_at_ + kSecondLook;
}

Nanos HangPolicy::next_look(Nanos now, std::optional<Nanos> silent_since, Nanos longest_step) const {
  const Nanos due = silent_since.value_or(now) + hang_limit(longest_step, 1);
  return due > now ? due : now + kSecondLook;
}

Result<void> Family::start() {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    LAB_CHECK(restart(index));
    members_[index].serves = true;
  }
  return {};
}

Result<ChildProcess> Family::fork_member(std::size_t index, bool second) {
  WorkerStatus& status = *std::construct_at(&status_of(index, second));
  status.progress.expect(kind_.longest_step);
  members_[index].started = monotonic_now();
  return ChildProcess::start(fmt::format(fmt::runtime(kind_.name), index),
                             {kind_.source(index), ready_signal_},
                             [&] { return kind_.live(index, second, status); });
}

Result<void> Family::restart(std::size_t index) {
  Member& member = members_[index];
  LAB_TRY(member.process, fork_member(index, member.second));
  member.serves = false;
  member.restart_at.reset();
  member.stopped_at.reset();
  return {};
}

Result<void> Family::look_after(Nanos now) {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    Member& member = members_[index];
    kill_if_hung(index, now);
    if (now >= member.drained_by) {
      member.drained_by = kNever;
      member.retired.signal(SIGKILL);
    }
    if (member.successor.there() && now >= member.started + kStartLimit) member.successor.signal(SIGKILL);
    if (const auto status = member.successor.ended(); status && !stopping_)
      say_it_stays(index, "its successor died, " + cause_of_death(index, !member.second, *status));
    if (const auto status = member.process.ended()) LAB_CHECK(bury(index, *status, now));
    if (const auto status = member.retired.ended()) {
      member.drained_by = kNever;
      kind_.died(index, !member.second, true);
    }
    if (member.successor.there() && is_ready(index, !member.second)) take_over(index, now);
    if (!member.serves && member.process.there() && is_ready(index, member.second)) {
      member.serves = true;
      kind_.report(index, EventKind::serving, now - member.since);
    }
    if (stopping_) continue;
    if (member.restart_at && now >= *member.restart_at) LAB_CHECK(restart(index));
    if (member.reload_wanted && !member.successor.there() && !member.retired.there())
      begin_reload(index, now);
  }
  return {};
}

/// Where the worker is about to be started again, that does it.
void Family::begin_reload(std::size_t index, Nanos now) {
  Member& member = members_[index];
  member.reload_wanted = false;
  if (!member.process.there()) return;
  auto successor = fork_member(index, !member.second);
  if (!successor) return say_it_stays(index, successor.error().message);
  kind_.report(index, EventKind::reloading, 0);
  member.successor = std::move(*successor);
  member.since = now;
}

void Family::take_over(std::size_t index, Nanos now) {
  Member& member = members_[index];
  std::swap(member.process, member.retired);
  std::swap(member.process, member.successor);
  member.second = !member.second;
  member.serves = false;
  member.stopped_at.reset();
  if (!member.retired.there()) return;
  end(member.retired);
  member.drained_by = now + kDrain;
}

/// The worker is dead, and another one comes for it.
Result<void> Family::bury(std::size_t index, int status, Nanos now) {
  Member& member = members_[index];
  const bool has_successor = member.successor.there();
  kind_.died(index, member.second, has_successor || member.retired.there());
  if (stopping_) return {};
  kind_.report(index, EventKind::died, status);
  member.since = now;
  if (has_successor) {
    take_over(index, now);
    return {};
  }
  const bool replied = status_of(index, member.second).replied.load(std::memory_order_relaxed);
  member.restart_at = policy_.on_death(now, now - member.started, replied);
  if (!member.restart_at) {
    kind_.report(index, EventKind::gave_up, status);
    return kind_.hopeless(index, cause_of_death(index, member.second, status));
  }
  if (*member.restart_at > now) kind_.report(index, EventKind::backoff, *member.restart_at - now);
  return {};
}

/// The old one, because the new one could not take over.
void Family::say_it_stays(std::size_t index, const std::string& why) const {
  const std::string name = fmt::format(fmt::runtime(kind_.name), index);
  write_all(STDERR_FILENO, fmt::format("lab: {} stays: {}\n", name, why));
}

/// Since when it gives no sign although it has something to do. The kernel says (SIGCHLD) when somebody stops
/// a child; who is traced by a debugger is not among those.
std::optional<Nanos> Family::silent_since(std::size_t index) const {
  const Member& member = members_[index];
  if (!member.process.there()) return std::nullopt;
  if (member.stopped_at) return member.stopped_at;
  if (!is_ready(index, member.second)) return member.started + kStartLimit;
  return status_of(index, member.second).progress.busy_since();
}

void Family::kill_if_hung(std::size_t index, Nanos now) {
  Member& member = members_[index];
  const int news = member.process.news(WSTOPPED | WCONTINUED);
  if (news == CLD_STOPPED) member.stopped_at = now;
  if (news == CLD_CONTINUED) member.stopped_at.reset();
  const Nanos longest = status_of(index, member.second).progress.longest();
  const auto since = silent_since(index);
  // How crowded the machine is matters, and is looked up, only where the time is over without that.
  const bool is_late = since && now >= *since + hang_limit(longest, 1);
  const double crowd = is_late ? static_cast<double>(runnable_threads()) / kind_.cores : 1;
  if (!member.hang.hangs(now, since, longest, crowd) || is_traced(member.process.pid())) return;
  kind_.report(index, EventKind::hung, now - *since);
  member.stopped_at.reset();
  member.hang = {};  // it is reported once
  member.process.signal(SIGKILL);
}

std::string Family::cause_of_death(std::size_t index, bool second, int status) const {
  const char* words = status_of(index, second).last_words;
  if (words[0] != '\0') return fmt::format("said: {}", words);
  if (WIFSIGNALED(status))
    return fmt::format("by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("with exit code {}", WEXITSTATUS(status));
}

bool Family::ready() const {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    if (!members_[index].process.there() || !is_ready(index, members_[index].second)) return false;
  }
  return true;
}

std::vector<pid_t> Family::pids() const {
  std::vector<pid_t> pids;
  for (const Member& member : members_) pids.push_back(member.process.pid());
  return pids;
}

Nanos Family::next_due(Nanos now) const {
  Nanos due = kNever;
  for (std::size_t index = 0; index < members_.size(); ++index) {
    const Member& member = members_[index];
    due = std::min(due, member.drained_by);
    if (!stopping_) due = std::min(due, member.restart_at.value_or(kNever));
    if (member.successor.there())
      due = std::min(due, std::max(member.started + kStartLimit, now + kSecondLook));
    if (!member.process.there()) continue;
    const Nanos longest = status_of(index, member.second).progress.longest();
    due = std::min(due, member.hang.next_look(now, silent_since(index), longest));
  }
  return due;
}

void Family::end(const ChildProcess& process) {
  process.signal(SIGTERM);
  process.signal(SIGCONT);  // a stopped process would never see it
}

void Family::stop() {
  stopping_ = true;
  for (const Member& member : members_) {
    for (const ChildProcess* process : {&member.process, &member.successor, &member.retired}) end(*process);
  }
}

bool Family::all_gone() const {
  return std::ranges::none_of(members_, [](const Member& member) {
    return member.process.there() || member.successor.there() || member.retired.there();
  });
}

void Family::kill() {
  for (Member& member : members_) {
    for (ChildProcess* process : {&member.process, &member.successor, &member.retired}) process->kill();
  }
}

}  // namespace lab
