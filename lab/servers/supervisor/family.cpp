#include "lab/servers/supervisor/family.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>

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
}  // namespace

std::optional<Nanos> RestartPolicy::on_death(Nanos now, Nanos lived, bool replied) {
  if (lived >= kYoung && replied) return now;
  while (!young_deaths_.empty() && now - young_deaths_.front() > kWindow) young_deaths_.pop_front();
  young_deaths_.push_back(now);
  const std::size_t deaths = young_deaths_.size();
  if (deaths > kMaxYoungDeaths) return std::nullopt;
  return deaths == 1 ? now : now + (kFirstDelay << (deaths - 2));
}

Result<void> Family::start() {
  for (std::size_t index = 0; index < members_.size(); ++index) LAB_CHECK(fork_member(index));
  return {};
}

Result<void> Family::fork_member(std::size_t index) {
  status_[index].ready.store(false, std::memory_order_relaxed);
  status_[index].replied.store(false, std::memory_order_relaxed);
  std::memset(status_[index].last_words, 0, sizeof status_[index].last_words);
  LAB_TRY(members_[index].process,
          ChildProcess::start(fmt::format(fmt::runtime(kind_.name), index),
                              {kind_.source(index), ready_signal_}, [&] { return kind_.live(index); }));
  members_[index].started = monotonic_now();
  members_[index].restart_at.reset();
  members_[index].stopped_at.reset();
  members_[index].reloads = false;
  members_[index].drained_by.reset();
  return {};
}

/// The kernel says so (SIGCHLD) when somebody stops a child. Who is traced by a debugger is not among those.
void Family::replace_if_hung(Member& member, Nanos now) const {
  siginfo_t news{};
  const bool is_known = member.process.there() && waitid(P_PID, static_cast<id_t>(member.process.pid()),
                                                         &news, WSTOPPED | WCONTINUED | WNOHANG) == 0;
  if (is_known && news.si_code == CLD_STOPPED) member.stopped_at = now;
  if (is_known && news.si_code == CLD_CONTINUED) member.stopped_at.reset();
  if (!member.stopped_at || now < *member.stopped_at + kind_.patience) return;
  member.stopped_at.reset();
  member.process.signal(SIGKILL);
}

Result<void> Family::look_after(Nanos now) {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    Member& member = members_[index];
    replace_if_hung(member, now);
    if (member.drained_by && now >= *member.drained_by) {
      member.drained_by.reset();
      member.process.signal(SIGKILL);
    }
    if (const auto status = member.process.ended()) {
      kind_.died(index);
      const bool replied = status_[index].replied.load(std::memory_order_relaxed);
      if (!stopping_)
        member.restart_at = member.reloads ? now : policy_.on_death(now, now - member.started, replied);
      if (!stopping_ && !member.restart_at) return kind_.hopeless(index, cause_of_death(index, *status));
    }
    if (!stopping_ && member.restart_at && now >= *member.restart_at) LAB_CHECK(fork_member(index));
  }
  return {};
}

std::string Family::cause_of_death(std::size_t index, int status) const {
  const char* words = status_[index].last_words;
  if (words[0] != '\0') return fmt::format("said: {}", words);
  if (WIFSIGNALED(status))
    return fmt::format("by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("with exit code {}", WEXITSTATUS(status));
}

bool Family::ready() const {
  for (std::size_t index = 0; index < members_.size(); ++index) {
    if (!members_[index].process.there() || !status_[index].ready.load(std::memory_order_acquire))
      return false;
  }
  return true;
}

std::vector<pid_t> Family::pids() const {
  std::vector<pid_t> pids;
  for (const Member& member : members_) pids.push_back(member.process.pid());
  return pids;
}

std::optional<Nanos> Family::next_due() const {
  Nanos due = kNever;
  for (const Member& member : members_) {
    if (member.restart_at) due = std::min(due, *member.restart_at);
    if (member.drained_by) due = std::min(due, *member.drained_by);
    if (member.stopped_at) due = std::min(due, *member.stopped_at + kind_.patience);
  }
  return due == kNever || stopping_ ? std::nullopt : std::optional(due);
}

void Family::reload() {
  for (Member& member : members_) {
    if (!member.process.there() || member.reloads) continue;
    member.reloads = true;
    member.drained_by = monotonic_now() + kDrain;
    member.process.signal(SIGTERM);
    member.process.signal(SIGCONT);  // a stopped process would never see it
  }
}

void Family::signal(int number) const {
  for (const Member& member : members_) member.process.signal(number);
}

bool Family::all_gone() const {
  return std::none_of(members_.begin(), members_.end(),
                      [](const Member& member) { return member.process.there(); });
}

void Family::kill() {
  for (Member& member : members_) member.process.kill();
}

}  // namespace lab
