#include "harness/inside/inside_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <utility>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr double kShare = 0.3;           // of the time that is to be explained, at least
constexpr double kOfRequest = 0.1;       // of a request alone, at least
constexpr double kLeastSeconds = 0.002;  // a shorter block is the framework's own work
constexpr std::size_t kMaxSource = 120;

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Python's ways to wait for another thread, and asyncio's to wait for another task.
bool is_waiting_file(std::string_view file) {
  const std::string_view name = name_of(file);
  return name == "threading.py" || name == "queue.py" || name == "locks.py" || name == "queues.py";
}

std::string source_of(const CodePlace& place) {
  if (place.file.empty()) return "";
  std::ifstream file(place.file);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number != place.line) continue;
    std::string text = printable(trim(line), false);
    if (text.size() > kMaxSource) text = text.substr(0, kMaxSource) + " ...";
    return text;
  }
  return "";
}

/// A function of the server's own code, and the weights of its lines.
struct Suspect {
  double weight = 0;
  std::map<int, double> lines;
  CodeStack stack;  ///< the heaviest sample's
  double heaviest = 0;
  bool returns_it = false;
};

using Function = std::pair<std::string, std::string>;  // file and name

/// Adds up what stacks weigh by the server's own function that they are in.
class Tally {
 public:
  explicit Tally(const ProbeLines& probes) : probes_(probes) {}

  void add(pid_t pid, const CodeStack& stack, double weight, const std::optional<CodePlace>& handler = {}) {
    all_ += weight;
    const auto own = std::ranges::find_if(stack, [&](const CodePlace& place) { return is_own(pid, place); });
    const bool found = own != stack.end() && own->function != "<module>";
    if (!found && (!handler || !is_own(pid, *handler))) return;
    const CodePlace& place = found ? *own : *handler;
    Suspect& suspect = suspects_[{place.file, place.function}];
    suspect.weight += weight;
    suspect.lines[place.line] += weight;
    if (weight <= suspect.heaviest) return;
    suspect.heaviest = weight;
    suspect.stack = stack;
    suspect.returns_it = !found;
  }

  double all() const { return all_; }

  /// The heaviest one; none where nothing of the server's own was seen.
  std::optional<NamedLine> heaviest(pid_t pid) const {
    const auto worst =
        std::ranges::max_element(suspects_, {}, [](const auto& each) { return each.second.weight; });
    if (worst == suspects_.end() || all_ <= 0) return std::nullopt;
    const auto& [function, suspect] = *worst;
    NamedLine line;
    line.place = {
        function.first,
        std::ranges::max_element(suspect.lines, {}, [](const auto& each) { return each.second; })->first,
        function.second};
    line.share = suspect.weight / all_;
    line.late_s = suspect.weight;
    line.returns_it = suspect.returns_it;
    bool below = true;
    for (const CodePlace& place : suspect.stack) {
      const bool own = is_own(pid, place);
      if (below && own) {
        below = false;
      } else if (below && !line.inside) {
        line.inside = place;
      } else if (!below && own && place.function != "<module>") {
        line.called_from.push_back(place);
      }
    }
    return line;
  }

 private:
  bool is_own(pid_t pid, const CodePlace& place) const {
    // Which one, nobody knows; without a source file the name alone says whose it is.
    constexpr std::array kLibraries{"std::", "boost::", "asio::", "__gnu_cxx::"};
    const auto begins = [&](const char* name) { return place.function.starts_with(name); };
    if (place.line == 0 && (place.function.empty() || std::ranges::any_of(kLibraries, begins))) return false;
    const auto process = std::ranges::find(probes_.processes, pid, &ProbedProcess::pid);
    static const std::vector<std::string> kNone;
    return is_own_code(place.file, process != probes_.processes.end() ? process->libraries : kNone);
  }

  const ProbeLines& probes_;
  std::map<Function, Suspect> suspects_;
  double all_ = 0;
};

class LineFinder {
 public:
  LineFinder(const InsideSeen& seen, const Diagnosis& verdict, InsideView& view)
      : seen_(seen), verdict_(verdict), view_(view) {
    for (const BurstSpan& burst : seen.bursts) requests_ += burst.answered;
  }

  void find() {
    if (requests_ == 0) return;
    find_blocked_loop();
    // Where all ran together nobody waited for a thread or a lock for long.
    const bool together = verdict_.execution == Execution::concurrent && verdict_.serial_part_s == 0 &&
                          !verdict_.stalls && verdict_.loop_blocked != true;
    if (!together) {
      find_task_lock();
      find_threads();
      find_runtime_pool();
      if (view_.lines.empty()) find_call();
    }
    for (NamedLine& line : view_.lines) {
      const auto held =
          std::ranges::find_if(view_.loop_calls, [](const CallShare& call) { return !call.idle; });
      if (line.cause == LineCause::blocked_loop && held != view_.loop_calls.end()) line.call = held->call;
      line.source = source_of(line.place);
      if (line.per_request_s == 0) line.per_request_s = verdict_.service_s;
    }
    std::stable_sort(view_.lines.begin(), view_.lines.end(), [](const NamedLine& a, const NamedLine& b) {
      return a.per_request_s * a.share > b.per_request_s * b.share;
    });
  }

 private:
  bool in_burst(Nanos at) const { return is_in_burst(seen_.bursts, at); }

  void find_blocked_loop() {
    Tally tally(seen_.probes);
    pid_t pid = 0;
    for (const LateLoop& late : seen_.probes.late) {
      if (!in_burst(late.at)) continue;
      tally.add(late.pid, late.stack, seconds(late.late), late.handler);
      pid = late.pid;
    }
    view_.late_s = tally.all();
    auto line = tally.heaviest(pid);
    if (!line) return;
    line->per_request_s = line->late_s / requests_;
    const double alone_s = verdict_.service_s > 0 ? verdict_.service_s : line->per_request_s;
    if (line->share < kShare || line->per_request_s < std::max(kLeastSeconds, kOfRequest * alone_s)) return;
    line->cause = LineCause::blocked_loop;
    line->computes = loop_computes();
    view_.lines.push_back(std::move(*line));
  }

  /// Whether the loop's thread had a core for most of the time in which it was not waiting for events.
  bool loop_computes() const {
    double running = 0, held = 0;
    for (const CallShare& call : view_.loop_calls) {
      if (call.call == "running") running += call.share;
      if (!call.idle) held += call.share;
    }
    return held > 0 ? running > held / 2 : verdict_.bound_by == BoundBy::cpu;
  }

  /// Of a language without a probe, or a server that was not started with it: what the kernel knows.
  void find_call() {
    constexpr double kMostly = 0.5;
    const auto held =
        std::ranges::find_if(view_.loop_calls, [](const CallShare& call) { return !call.idle; });
    if (held == view_.loop_calls.end() || held->share < kMostly || held->call == "running") return;
    NamedLine& line = view_.lines.emplace_back();
    line.call = held->call;
    line.resource = held->about;
    line.share = held->share;
  }

  void find_task_lock() {
    constexpr int kSeveral = 3;
    Tally holders(seen_.probes), waiters(seen_.probes);
    int most = 0;
    std::string name;
    pid_t pid = 0;
    for (const HeldLock& lock : seen_.probes.locks) {
      if (lock.waiting < 2 || lock.held_by.empty() || !in_burst(lock.at)) continue;
      holders.add(lock.pid, lock.held_by, lock.waiting);
      waiters.add(lock.pid, lock.waiter, lock.waiting);
      most = std::max(most, lock.waiting);
      name = lock.name;
      pid = lock.pid;
      ++locks_;
    }
    auto line = holders.heaviest(pid);
    if (!line || locks_ < kSeveral) return;
    const bool one = name == "asyncio.Lock" || verdict_.execution == Execution::serial;
    line->cause = one ? LineCause::held_lock : LineCause::few_connections;
    line->resource = name;
    line->waiting = most;
    line->late_s = 0;
    if (!one) line->limit = verdict_.parallelism;
    if (const auto waiter = waiters.heaviest(pid)) line->waits_at = waiter->place;
    view_.lines.push_back(std::move(*line));
  }

  /// A pool that is not of the language's own threads: who asked for it is known, not what its threads are
  /// in.
  void find_runtime_pool() {
    Tally askers(seen_.probes);
    const FullPool* fullest = nullptr;
    for (const FullPool& pool : seen_.probes.pools) {
      if (!in_burst(pool.at) || pool.holders.empty()) continue;
      for (const CodeStack& holder : pool.holders) askers.add(pool.pid, holder, 1);
      if (fullest == nullptr || pool.waiting > fullest->waiting) fullest = &pool;
    }
    auto line = fullest != nullptr ? askers.heaviest(fullest->pid) : std::nullopt;
    if (!line || line->share < kShare) return;
    line->cause = LineCause::full_pool;
    line->resource = fullest->name;
    line->limit = fullest->limit;
    line->waiting = fullest->waiting;
    line->computes = verdict_.bound_by == BoundBy::cpu;
    line->late_s = 0;
    view_.lines.push_back(std::move(*line));
  }

  /// How many of these threads' samples around a moment were what, by the kernel.
  struct Votes {
    int all = 0, locked = 0, computing = 0;
  };
  Votes votes_of(const ThreadGroup& group, Nanos at) const {
    constexpr Nanos kNear = 30 * kMillisecond;
    const auto& moments = seen_.kernel.moments;
    const auto from = std::ranges::lower_bound(moments, at - kNear, {}, &ThreadMoment::at);
    Votes votes;
    for (auto moment = from; moment != moments.end() && moment->at <= at + kNear; ++moment) {
      if (std::ranges::find(group.threads, moment->thread) == group.threads.end()) continue;
      const CallKind kind = seen_.kernel.doings[moment->doing].kind;
      ++votes.all;
      votes.locked += kind == CallKind::locked;
      votes.computing += kind == CallKind::running || kind == CallKind::taking_turns;
    }
    return votes;
  }

  void find_threads() {
    Tally workers(seen_.probes), waiters(seen_.probes);
    std::vector<int> at_work;
    int most = 0, sampled = 0, computing = 0;
    pid_t pid = 0;
    std::string waited_for;
    for (const BusyThreads& look : seen_.probes.threads) {
      if (!in_burst(look.at)) continue;
      int working = 0, waiting = 0;
      for (const ThreadGroup& group : look.groups) {
        if (group.stack.empty()) continue;
        const Votes votes = votes_of(group, look.at);
        const bool waits = is_waiting_file(group.stack.front().file) || 2 * votes.locked > votes.all;
        sampled += waits ? 0 : votes.all;
        computing += waits ? 0 : votes.computing;
        (waits ? waiters : workers).add(look.pid, group.stack, group.count);
        (waits ? waiting : working) += group.count;
        if (waits && is_waiting_file(group.stack.front().file)) waited_for = group.stack.front().file;
      }
      at_work.push_back(working);
      most = std::max(most, waiting);
      pid = look.pid;
    }
    if (at_work.empty()) return;
    std::ranges::sort(at_work);
    auto line = workers.heaviest(pid);
    const auto waits = waiters.heaviest(pid);
    const bool computes = sampled > 0 ? 2 * computing > sampled : verdict_.bound_by == BoundBy::cpu;
    const FullPool* const pool = fullest_pool();
    const double waiting = waiters.all() / std::max(1.0, waiters.all() + workers.all());
    const bool queued = waits && line && waiting > kShare && most > 1;
    if (!queued && (!line || line->share < kShare)) return;
    if (queued) {
      const int held = at_work[at_work.size() / 2];
      line->cause = held > 1 ? LineCause::few_connections : LineCause::held_lock;
      line->resource = name_of(waited_for) == "queue.py" ? "a pool made of a queue"
                       : held > 1                        ? "a pool"
                                                         : "a lock";
      line->limit = held;
      line->waiting = most;
      line->waits_at = waits->place;
    } else if (computes && at_work.back() > 1 && takes_turns()) {
      line->cause = LineCause::interpreter;
      line->computes = true;
    } else if (pool != nullptr && !computes) {
      line->cause = LineCause::full_pool;
      line->resource = pool->name;
      line->limit = pool->limit;
      line->waiting = pool->waiting;
    } else if (!computes && verdict_.execution == Execution::pool && at_work.back() >= verdict_.parallelism) {
      line->cause = LineCause::full_pool;
      line->resource = "a pool of threads";
      line->limit = verdict_.parallelism;
    } else if (pool == nullptr && view_.lines.empty() && is_limited() && (!computes || at_work.back() == 1)) {
      line->cause = LineCause::busy_worker;
      line->computes = computes;
      line->limit = verdict_.parallelism;
    } else {
      return;
    }
    line->late_s = 0;
    view_.lines.push_back(std::move(*line));
  }

  /// A known number at a time; what computes on all cores lacks those, and no thread.
  bool is_limited() const {
    return verdict_.execution == Execution::serial || verdict_.execution == Execution::pool ||
           verdict_.execution == Execution::workers;
  }

  /// Whether threads wait for an interpreter lock: others compute without it, and only lack cores.
  bool takes_turns() const {
    constexpr double kSome = 0.2;
    double turns = 0, running = 0;
    for (const ThreadMoment& moment : seen_.kernel.moments) {
      if (!in_burst(moment.at)) continue;
      const CallKind kind = seen_.kernel.doings[moment.doing].kind;
      turns += kind == CallKind::taking_turns;
      running += kind == CallKind::running;
    }
    return turns > kSome * running;
  }

  const FullPool* fullest_pool() const {
    const FullPool* fullest = nullptr;
    for (const FullPool& pool : seen_.probes.pools) {
      if (in_burst(pool.at) && (fullest == nullptr || pool.waiting > fullest->waiting)) fullest = &pool;
    }
    return fullest;
  }

  const InsideSeen& seen_;
  const Diagnosis& verdict_;
  InsideView& view_;
  double requests_ = 0;
  int locks_ = 0;
};

/// What keeps a probe of this language out.
std::string why_silent(const std::string& runtime) {
  if (runtime != "python" && runtime != "node")
    return "there is one for Python, for Node, and for C++ with Asio (loop_watch.hpp)";
  const bool python = runtime == "python";
  return fmt::format(
      "{}, or does not get {} of its environment, or its user may not read the diagnosis' folder",
      python ? "it runs with -I, -E or -S" : "it is older than the probe",
      python ? "PYTHONPATH" : "NODE_OPTIONS");
}

}  // namespace

bool is_own_code(const std::string& file, const std::vector<std::string>& libraries) {
  if (file.empty() || file.front() == '<' || file.starts_with("node:")) return false;
  for (const char* part : {"/site-packages/", "/dist-packages/", "/node_modules/", "/lab-inside-"}) {
    if (file.find(part) != std::string::npos) return false;
  }
  if (is_of_system(file)) return false;
  return std::ranges::none_of(libraries, [&](const std::string& folder) {
    return file.starts_with(folder + "/lib") || file.starts_with(folder + "/bin/");
  });
}

InsideView look_inside(const InsideSeen& seen, const Diagnosis& verdict) {
  InsideView view;
  view.probes = seen.probes.processes;
  add_kernel_view(seen, view);
  LineFinder(seen, verdict, view).find();
  if (seen.probed && seen.probes.processes.empty() && seen.probes.errors.empty())
    view.obstacles.push_back("no probe answered from inside it: " + why_silent(seen.runtime));
  for (const std::string& error : seen.probes.errors) view.obstacles.push_back("the probe: " + error);
  return view;
}

}  // namespace lab
