#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/inside/inside_view.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

using Call = std::pair<std::string, std::string>;  // its name, what it is about

constexpr double kMuch = 0.2;     // of a loop's samples: below that it is free
constexpr double kLittle = 0.02;  // not worth a word

/// What a call means for requests that wait meanwhile.
std::string meaning(CallKind kind) {
  switch (kind) {
    case CallKind::running: return "it computes while requests wait";
    case CallKind::sleeping: return "it sleeps while requests wait";
    case CallKind::receiving: return "it waits for an answer while requests wait";
    case CallKind::sending: return "nobody reads what it writes, and requests wait";
    case CallKind::locked: return "it waits for a lock or another thread while requests wait";
    case CallKind::taking_turns: return "it waits for its turn at a lock while requests wait";
    case CallKind::connecting: return "it waits for a connection while requests wait";
    case CallKind::file: return "it waits for a file while requests wait";
    case CallKind::child: return "it waits for another program while requests wait";
    case CallKind::events: return "it is free";
    case CallKind::other: return "it is held while requests wait";
  }
  return "";
}

std::string in_call(const CallShare& call) {
  if (call.call == "running") return "running";
  const char* const link = call.call == "recv" || call.call == "read" || call.call == "poll" ? "from" : "on";
  return call.about.empty() ? "in " + call.call : fmt::format("in {} {} {}", call.call, link, call.about);
}

/// The samples of threads, grouped.
class KernelReader {
 public:
  explicit KernelReader(const InsideSeen& seen) : seen_(seen) {
    std::map<pid_t, std::map<CallKind, int>> rest;
    for (const ThreadMoment& moment : seen.kernel.moments) {
      const Doing& doing = seen.kernel.doings[moment.doing];
      if (is_before(moment.at)) {
        ++rest[moment.thread][doing.kind];
        at_rest_.insert({moment.thread, doing.call, doing.about});
        if (doing.kind == CallKind::locked) quiet_locks_.insert(doing.about);
      }
    }
    // A probe knows its loop's thread.
    for (const ProbedProcess& process : seen.probes.processes) {
      if (process.loop_thread > 0) loops_.insert(process.loop_thread);
    }
    if (!loops_.empty()) return;
    for (const auto& [thread, kinds] : rest) {
      int others = 0, events = 0;
      for (const auto& [kind, count] : kinds) {
        if (kind == CallKind::events) events += count;
        // On a busy machine whoever wakes up now and then waits for a core.
        if (kind != CallKind::events && kind != CallKind::running) others += count;
      }
      if (events > others) loops_.insert(thread);
    }
  }

  void add_loops(InsideView& view) const {
    std::map<Call, int> calls;
    std::map<Call, CallKind> kinds;
    std::set<pid_t> busy;
    std::set<std::pair<Nanos, pid_t>> relieved;  // another thread of that process waits for the events
    std::vector<ThreadMoment> moments;           // of loops
    int all = 0;
    for (const ThreadMoment& moment : seen_.kernel.moments) {
      if (!is_in_burst(seen_.bursts, moment.at)) continue;
      const bool waits = seen_.kernel.doings[moment.doing].kind == CallKind::events;
      if (loops_.contains(moment.thread)) {
        moments.push_back(moment);
        if (!waits) busy.insert(moment.thread);
      } else if (waits && seen_.probes.processes.empty()) {
        relieved.insert({moment.at, process_of(moment.thread)});
      }
    }
    // A master that hands out nothing, or the helper of a runtime, serves no request.
    const auto serves = [&](pid_t thread) { return busy.contains(thread) || loops_.size() == 1; };
    for (const ThreadMoment& moment : moments) {
      if (!serves(moment.thread)) continue;
      const Doing& doing = seen_.kernel.doings[moment.doing];
      const bool futex = doing.kind == CallKind::locked || doing.kind == CallKind::taking_turns;
      // Go's threads take turns at being the loop; the one that is not rests.
      if (futex && relieved.contains({moment.at, process_of(moment.thread)})) continue;
      const Call call{doing.call, futex ? "" : doing.about};
      ++calls[call];
      kinds[call] = doing.kind;
      ++all;
    }
    if (all == 0) return;
    for (const auto& [call, count] : calls)
      view.loop_calls.push_back(
          {call.first, call.second, static_cast<double>(count) / all, kinds[call] == CallKind::events});
    std::stable_sort(view.loop_calls.begin(), view.loop_calls.end(),
                     [](const CallShare& a, const CallShare& b) { return a.share > b.share; });
    int loops = 0;
    for (const auto& [thread, facts] : seen_.kernel.threads) {
      if (!loops_.contains(thread) || !serves(thread)) continue;
      ++loops;
      view.loop_cpu_s += seconds(std::max<Nanos>(0, facts.cpu_after - facts.cpu_before));
      view.loop_switches += std::max<std::int64_t>(0, facts.switches_after - facts.switches_before);
    }
    say_loops(view, kinds, loops, all);
  }

  /// Threads that do the same at once, while bursts are under way.
  void add_others(InsideView& view) const {
    struct Together {
      int threads = 0;
      std::set<std::string> by;
    };
    std::map<Call, std::vector<Together>> looks;
    std::map<Call, CallKind> kinds;
    auto moment = seen_.kernel.moments.begin();
    while (moment != seen_.kernel.moments.end()) {
      const Nanos at = moment->at;
      std::map<Call, Together> now;
      for (; moment != seen_.kernel.moments.end() && moment->at == at; ++moment) {
        const Doing& doing = seen_.kernel.doings[moment->doing];
        if (loops_.contains(moment->thread) || !is_in_burst(seen_.bursts, at) || is_idle(*moment, doing))
          continue;
        Together& together = now[{doing.call, doing.about}];
        ++together.threads;
        if (!doing.by.empty()) together.by.insert(doing.by);
        kinds[{doing.call, doing.about}] = doing.kind;
      }
      for (auto& [what, together] : now) looks[what].push_back(std::move(together));
    }
    // By how many thread samples it makes up.
    std::vector<std::pair<int, std::string>> sentences;
    for (const auto& [what, all] : looks) {
      int sum = 0, most = 0;
      std::size_t connections = 0;
      for (const Together& together : all) {
        sum += together.threads;
        most = std::max(most, together.threads);
        connections = std::max(connections, together.by.size());
      }
      const CallKind kind = kinds[what];
      if (most < 2 || static_cast<double>(all.size()) < kMuch * static_cast<double>(view.looks)) continue;
      sentences.emplace_back(sum, sentence(what, kind, most, connections));
    }
    std::stable_sort(sentences.begin(), sentences.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    constexpr std::size_t kMost = 3;
    for (std::size_t i = 0; i < std::min(kMost, sentences.size()); ++i) {
      if (!sentences[i].second.empty()) view.says.push_back(std::move(sentences[i].second));
    }
  }

 private:
  pid_t process_of(pid_t thread) const { return seen_.kernel.threads.at(thread).pid; }

  bool is_before(Nanos at) const {
    // Single requests are asked before the first burst, too.
    if (seen_.kernel.last_at_rest) return at <= *seen_.kernel.last_at_rest;
    return seen_.bursts.empty() || at < seen_.bursts.front().began;
  }

  /// What a thread also does when nothing is asked: waiting for work.
  bool is_idle(const ThreadMoment& moment, const Doing& doing) const {
    if (doing.kind == CallKind::events || doing.kind == CallKind::other) return true;
    if (doing.kind == CallKind::locked && quiet_locks_.contains(doing.about)) return true;
    return at_rest_.contains({moment.thread, doing.call, doing.about});
  }

  void say_loops(InsideView& view, const std::map<Call, CallKind>& kinds, int loops, int all) const {
    const CallShare& first = view.loop_calls.front();
    const CallKind kind = kinds.at({first.call, first.about});
    std::string text = loops > 1 ? fmt::format("its {} loop threads were {}", loops, in_call(first))
                                 : fmt::format("its loop thread was {}", in_call(first));
    text += fmt::format(" in {:.0f} % of {} samples", 100 * first.share, grouped(all));
    if (view.loop_calls.size() > 1 && view.loop_calls[1].share >= kLittle)
      text += fmt::format(" and {} in {:.0f} %", in_call(view.loop_calls[1]), 100 * view.loop_calls[1].share);
    std::string means = kind == CallKind::events && 1 - first.share > kMuch ? "" : meaning(kind);
    if (loops > 1 && means.starts_with("it ")) means = "each " + means.substr(3);
    view.says.push_back(means.empty() ? text : text + ": " + means);
  }

  std::string sentence(const Call& what, CallKind kind, int most, std::size_t connections) const {
    const auto& [call, about] = what;
    if (kind == CallKind::running)
      return fmt::format("up to {} other threads computed, or waited for a core", most);
    if (kind == CallKind::locked) return fmt::format("up to {} threads waited for one futex: a lock", most);
    if (kind == CallKind::taking_turns) {
      const bool python = seen_.runtime == "python";
      return fmt::format("up to {} threads waited for their turn at one futex{}", most,
                         python ? ": the interpreter lock" : "");
    }
    std::string text =
        fmt::format("up to {} threads were {} at once", most, in_call({call, about, 0, false}));
    if (connections > 1 && connections < static_cast<std::size_t>(most))
      text += fmt::format(", on {} connections", connections);
    return text;
  }

  const InsideSeen& seen_;
  std::set<pid_t> loops_;
  std::set<std::tuple<pid_t, std::string, std::string>> at_rest_;
  std::set<std::string> quiet_locks_;
};

/// The command of the language's own tool.
std::string own_tool(const std::string& runtime, pid_t pid) {
  constexpr std::pair<std::string_view, std::string_view> kTools[] = {
      {"python", "py-spy dump --pid {}"},
      {"java", "jstack {}"},
      {"ruby", "rbspy snapshot --pid {}"},
      {"dotnet", "dotnet-stack report -p {}"},
      {"node", "kill -USR1 {}, then node inspect -p {}"},
      {"php", "phpspy -p {}"}};
  for (const auto& [name, command] : kTools) {
    if (runtime == name) return fmt::format(fmt::runtime(command), pid, pid);
  }
  return fmt::format("gdb -p {} -batch -ex 'thread apply all bt'", pid);
}

}  // namespace

bool is_in_burst(const std::vector<BurstSpan>& bursts, Nanos at) {
  const auto behind = std::ranges::upper_bound(bursts, at, {}, &BurstSpan::began);
  return behind != bursts.begin() && at <= std::prev(behind)->ended;
}

void add_kernel_view(const InsideSeen& seen, InsideView& view) {
  view.looks =
      std::ranges::count_if(seen.kernel.looks, [&](Nanos at) { return is_in_burst(seen.bursts, at); });
  const KernelReader reader(seen);
  if (view.looks > 0) {
    reader.add_loops(view);
    reader.add_others(view);
  }
  if (!seen.ended.empty()) view.obstacles.push_back(seen.ended + "; what is said here is of the time before");
  const bool unreadable = seen.kernel.calls_unreadable;
  if (unreadable && seen.kernel.other_user) {
    view.obstacles.push_back(fmt::format(
        "process {} belongs to user {}: run lab as that user or as root to see its threads' calls", seen.pid,
        *seen.kernel.other_user));
  } else if (unreadable) {
    view.obstacles.push_back(
        "/proc/PID/syscall may not be read, so what its threads wait for is known by the kernel's functions "
        "only: allow it with sysctl kernel.yama.ptrace_scope=0, or start the server with --server");
  }
  if (seen.kernel.sockets_unreadable && !seen.kernel.other_user)
    view.obstacles.push_back("/proc/PID/fd may not be read, so nothing is known of its sockets");
  const bool waits = !view.loop_calls.empty() && !view.loop_calls.front().idle;
  if ((waits || unreadable) && !seen.probed && seen.ended.empty()) {
    view.obstacles.push_back(fmt::format("the line of code: --server COMMAND names it, or {}{}",
                                         unreadable ? "sudo " : "", own_tool(seen.runtime, seen.pid)));
  }
}

}  // namespace lab
