#include "harness/diagnosis/examination.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

namespace {

constexpr int kAlone = 5;                // requests one after another; the first one warms the server up
constexpr int kWhenWarm = 40;            // when it is warm, for what happens to one in ten
constexpr int kWhenOdd = 150;            // once more where one of them was slow
constexpr double kBurstShare = 0.55;     // of the budget
constexpr Nanos kComfort = 7 * kSecond;  // bursts stop growing and repeating after that, however much is left
constexpr int kRepetitions = 3;
/// A burst that takes less than that much of the slowest alone may have run together.
constexpr double kTogether = 2.5;
/// Requests on kept connections, at most.
constexpr std::int64_t kMaxOnKept = 300;
/// What asks for a limit, besides three salvos, at most.
constexpr std::int64_t kMaxForLimit = 300;
constexpr std::int64_t kMaxPings = 200;

/// Of kept connections.
constexpr int kMaxParallel = 16;  // more workers than that, each one at a time, would be a strange server
constexpr int kFewest = 5;
constexpr int kUsual = 12;
constexpr double kKnown = 0.06;  // the deviation of a good fit
constexpr std::size_t kMaxPairs = 40;
constexpr std::size_t kAgain = 4;
constexpr double kKeptShare = 0.8;  // of the budget, with all that came before

/// Too Many Requests, Service Unavailable: what says that there are too many (RFC 6585, 4; RFC 9110, 15.6.4).
bool is_refusal(const Reply& reply) {
  return reply.outcome == Outcome::bad_status && (reply.status == 429 || reply.status == 503);
}

/// `status_503`, `timeout`
std::string name_of_failure(const Reply& reply) {
  if (reply.outcome == Outcome::bad_status) return "status_" + std::to_string(reply.status);
  return std::string(to_string(reply.outcome));
}

class Examiner {
 public:
  Examiner(Target& target, const ExaminationOptions& options)
      : target_(target), options_(options), began_(target.now()), random_(options.seed) {}

  /// One after another. False: one failed.
  bool ask_alone(int times) {
    const std::optional<CpuTime> before = target_.cpu_time();
    const std::size_t first = seen_.alone.size();
    bool fine = true;
    for (int i = 0; i < times && fine; ++i) {
      if (i > 0 && !affordable(service(), first < kAlone ? 0.2 : 0.7)) break;
      const Reply reply = send_probes({Probe{}}).front();
      if (is_refusal(reply)) refused_alone_ = reply.status;
      fine = reply.is_ok();
      if (fine) seen_.alone.push_back(reply.latency());
    }
    const std::optional<CpuTime> after = target_.cpu_time();
    const Nanos spent = std::accumulate(seen_.alone.begin() + static_cast<std::ptrdiff_t>(first),
                                        seen_.alone.end(), Nanos{0});
    // The last ones count: the first request also pays for what happens once.
    if (before && after && spent > 0) {
      const double runnable = seconds(after->runnable - before->runnable);
      seen_.cpu_share = runnable / seconds(spent);
      seen_.used_share = runnable > 0 ? seconds(after->used - before->used) / runnable : 1;
    }
    return fine;
  }

  /// Once more, when it has served many: what it is now, and what happens now and then.
  void ask_alone_again() {
    constexpr Nanos kEnough = 9 * kSecond / 4;
    if (over() || refused_alone_ != 0) return;
    const Nanos one = std::max<Nanos>(service(), kMicrosecond);
    for (const int most : {kWhenWarm, kWhenOdd}) {
      if (affordable(one, 0.7)) ask_alone(static_cast<int>(std::clamp<Nanos>(kEnough / one, 2, most)));
      if (parallel_ == 1 || !is_odd(one)) return;
    }
  }

  void send_bursts() {
    for (int repetition = 0; repetition < kRepetitions && !over(); ++repetition) {
      for (const int size : sizes()) {
        // The smallest ones say most and cost least: they may use what is there.
        const bool small = size <= 4;
        const bool fits = small ? affordable(expected(size), 0.9)
                                : affordable(expected(size), kBurstShare) &&
                                      spent() + expected(size) <= std::max(kComfort, 20 * service());
        if (!fits || failed_sizes_.count(size) != 0 || over() || !send_burst(size)) break;
      }
    }
    const auto together = static_cast<Nanos>(kTogether * static_cast<double>(slowest_alone()));
    if (options_.look_beyond && failed_sizes_.empty() && seen_.most_at_once == options_.most_at_once &&
        makespan(options_.most_at_once) < together && affordable(4 * together, 0.8)) {
      for (int i = 0; i < kRepetitions && send_burst(2 * options_.most_at_once); ++i) {
      }
    }
  }

  /// After a pause a limit of requests a second has room again, and whatever is done behind a reply is done.
  void ask_rested() {
    constexpr int kTimes = 3;
    constexpr int kFewTogether = 3;  // the first of a burst may come in time, though the others are delayed
    if (refused_alone_ != 0 || seen_.most_at_once < 2 || parallel_ > kFewTogether) return;
    const Nanos pause = std::clamp<Nanos>(3 * service(), 100 * kMillisecond, kSecond);
    for (int i = 0; i < kTimes && affordable(pause + service(), 0.8) && !over(); ++i) {
      const Reply reply = send_probes({{0, false, pause, true, false}}).front();
      if (!reply.is_ok()) return;
      seen_.rested.push_back(reply.latency());
    }
  }

  void keep_connections() {
    if (over() || seen_.most_at_once < 4 || seen_.limit_probe) return;
    const std::vector<PoolFit> fits = fit_pools(seen_);
    const auto best = std::ranges::min_element(fits, {}, &PoolFit::error);
    // A pool that is known is filled, and one more. Otherwise, and where all seemed to go to one, there may
    // be as many workers as a few cores want.
    const bool known = best->error < kKnown && best->parallelism > 1;
    if (known && best->parallelism > kMaxParallel) return;
    const int count = known ? std::max(kFewest, best->parallelism + 2) : kUsual;
    if (count > options_.most_at_once || !affordable((count + 8) * service(), kKeptShare)) return;
    if (harvest(count) && !over()) find_groups(count);
    target_.hang_up();
    if (known && best->parallelism > 2 && weigh_pairs(seen_).waiting == 0) draw_lots(best->parallelism);
    target_.hang_up();
  }

  /// One connection, used again and again: a server that writes its reply in two parts and waits for the
  /// first one's acknowledgement shows it here, because a client's kernel puts that off.
  void ask_on_kept() {
    constexpr int kTimes = 6, kPrompt = 3;
    if (over() || seen_.most_at_once == 0 || refused_alone_ != 0) return;
    for (int i = 0; i < 1 + kTimes + kPrompt; ++i) {
      const bool prompt = i > kTimes;
      if (!affordable(service() + 50 * kMillisecond, 0.9)) break;
      const Reply reply = send_probes({{0, false, 0, true, true, prompt}}).front();
      if (!reply.is_ok() || !reply.kept) break;
      if (i > 0) (prompt ? seen_.prompt_on_kept : seen_.alone_on_kept).push_back(reply.latency());
    }
    target_.hang_up();
  }

  void ping_beside() {
    constexpr int kAlone = 6;
    for (int i = 0; i < kAlone && !over(); ++i) {
      const Reply reply = send_probes({{0, true, 0, true, false}}).front();
      if (!reply.is_ok()) {
        seen_.ping_failure = name_of_failure(reply);
        return;
      }
      if (i > 0) seen_.pings_alone.push_back(reply.latency());
    }
    // Beside one, where only a blocked loop hurts; beside more than a few workers hold; and beside many, to
    // show.
    for (const int at_once : {1, 1, 4, 1, 4, 16, options_.most_at_once}) {
      if (at_once > options_.most_at_once || at_once > seen_.most_at_once) continue;
      if (!affordable(expected(at_once) + service(), 1)) continue;
      if (at_once > 4 && expected(at_once) > std::max<Nanos>(kSecond, 2 * service())) continue;
      ping_beside(at_once);
    }
  }

  /// After some were refused; does nothing otherwise.
  void probe_limit() {
    constexpr int kNone = std::numeric_limits<int>::max();
    int at_once = refused_alone_ != 0 ? 1 : kNone;
    for (const Burst& burst : seen_.bursts) {
      if (burst.refused > 0) at_once = std::min(at_once, burst.at_once - burst.refused + 1);
    }
    if (at_once == kNone || over()) return;
    LimitProbe& probe = seen_.limit_probe.emplace();
    probe.status = refused_alone_;
    probe.at_once = at_once;
    // Fewer than of a smaller burst: what is refused is not only what is too much.
    probe.connections = at_once <= seen_.most_at_once ? find_connections() : 0;
    if (refused_alone_ == 0 && probe.connections == 0) {
      // Directly after all were served none is in flight, yet what comes in a second has not come in.
      probe.first = served_of(send_probes(staggered(at_once, 0, false)));
      probe.again = served_of(send_probes(staggered(at_once, 0, false)));
      probe.spread = served_of(send_probes(staggered(at_once, service() * 4 / 5 / at_once, false)));
      const int room = at_once - 1;
      probe.in_flight = 5 * probe.first >= 4 * room && 5 * probe.again >= 4 * room && probe.spread < at_once;
    }
    if (!probe.in_flight && probe.connections == 0) probe.per_second = find_rate();
  }

  /// One by one in even steps, whether the one before is answered or not, so that a pause shows in all that
  /// it held up. A few seconds at a time: an interruption ends it soon.
  void watch() {
    constexpr Nanos kPart = 5 * kSecond;
    const Nanos gap = watch_gap();
    const Nanos began = target_.now();
    while (target_.now() - began < options_.watch && !target_.interrupted()) {
      const Nanos from = target_.now() - began;
      const auto count = static_cast<int>(std::min(kPart, options_.watch - from) / gap);
      if (count == 0) break;
      std::vector<Probe> probes = staggered(count, gap, false);
      for (Probe& probe : probes) probe.ping = options_.ping;
      for (const Reply& reply : send_probes(probes, gap * count + options_.timeout, true)) {
        if (reply.outcome == Outcome::unsent) continue;
        seen_.watched.push_back({from + reply.sent, reply.latency(), reply.is_ok()});
      }
    }
  }

  Outlook outlook() const {
    Outlook outlook;
    const Nanos one = service();
    outlook.at_once = options_.most_at_once;
    outlook.requests = kAlone;
    std::int64_t serial = kAlone;
    std::int64_t bursts = kAlone;
    for (const int size : sizes()) {
      outlook.requests += kRepetitions * size;
      serial += size;
      bursts += kRepetitions;
    }
    // That kept connections take where all goes one at a time; pings the same.
    constexpr std::int64_t kServices = 50;
    outlook.requests +=
        kMaxOnKept + kMaxForLimit + 3 * (options_.most_at_once + 1) + kWhenWarm + kWhenOdd + 3 + 12;
    if (options_.ping) outlook.requests += kMaxPings;
    if (options_.look_beyond) {
      outlook.beyond = 2 * options_.most_at_once;
      outlook.requests += kRepetitions * outlook.beyond;
    }
    const Nanos more = one * kServices * (options_.ping ? 2 : 1);
    outlook.least = std::min(options_.budget, one * bursts);
    const Nanos growing = std::min(one * serial * kRepetitions, std::max(kComfort, one * kAlone));
    outlook.most = std::clamp(growing + more, outlook.least, options_.budget) + options_.watch;
    outlook.least += options_.watch;
    if (options_.watch > 0) outlook.requests += options_.watch / watch_gap() + 1;
    return outlook;
  }

  Observations take() {
    seen_.ping_given = options_.ping;
    seen_.spent = spent();
    seen_.interrupted = target_.interrupted();
    return std::move(seen_);
  }

 private:
  Nanos spent() const { return target_.now() - began_; }
  Nanos left() const { return options_.budget - spent(); }
  bool over() const { return left() <= 0 || target_.interrupted(); }
  /// Where requests take different times, a burst takes as long as its slowest. With the first one the server
  /// warms up.
  Nanos slowest_alone() const {
    return *std::ranges::max_element(seen_.alone.begin() + (seen_.alone.size() > 1), seen_.alone.end());
  }
  Nanos service() const { return to_nanos(alone_seconds(seen_)); }

  /// Whether something that takes so long fits into this share of the budget.
  bool affordable(Nanos span, double share) const {
    return span <= options_.timeout && span <= left() &&
           static_cast<double>(spent() + span) <= share * static_cast<double>(options_.budget);
  }

  /// Whether one that was alone, or beside few of those that run together, was far slower than they usually
  /// are.
  bool is_odd(Nanos usual) const {
    constexpr Nanos kFar = 30 * kMillisecond;
    constexpr int kFew = 4;
    const auto is_far = [&](Nanos latency) { return latency > 2 * usual + kFar; };
    return std::ranges::any_of(seen_.alone.begin() + 1, seen_.alone.end(), is_far) ||
           std::ranges::any_of(whole_bursts(seen_), [&](const Burst& burst) {
             return burst.at_once <= kFew && is_far(burst.done.back());
           });
  }

  std::vector<int> sizes() const {
    std::vector<int> sizes;
    for (int size = 2; size < options_.most_at_once; size *= 2) sizes.push_back(size);
    sizes.push_back(options_.most_at_once);
    return sizes;
  }

  /// How long so many at once should take, by what was seen so far.
  Nanos expected(int at_once) const { return service() * ((at_once + parallel_ - 1) / parallel_); }

  /// The fastest burst of that size so far; what is expected where there was none.
  Nanos makespan(int at_once) const {
    Nanos least = kNever;
    for (const Burst& burst : whole_bursts(seen_)) {
      if (burst.at_once == at_once) least = std::min(least, burst.done.back());
    }
    return least == kNever ? expected(at_once) : least;
  }

  /// Waits for them as long as for one request, within the budget.
  std::vector<Reply> send_probes(const std::vector<Probe>& probes) {
    const Nanos patience = std::min(left(), options_.timeout);
    return send_probes(probes, patience, patience == options_.timeout);
  }

  /// What is too late although it had its time has failed.
  std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience, bool has_time) {
    std::vector<Reply> replies = target_.send_probes(probes, patience);
    for (const Reply& reply : replies) {
      if (reply.outcome == Outcome::unsent) continue;
      ++seen_.sent;
      if (reply.is_ok()) {
        ++seen_.answered;
      } else if (reply.outcome == Outcome::unfinished || (reply.outcome == Outcome::timeout && !has_time)) {
        ++seen_.unfinished;  // the budget's end, or an interruption: no failure of the server
      } else {
        ++seen_.failures[name_of_failure(reply)];
      }
    }
    return replies;
  }

  static std::optional<double> share(Nanos part, Nanos whole) {
    return whole > 0 ? std::optional(seconds(part) / seconds(whole)) : std::nullopt;
  }

  bool send_burst(int at_once) {
    std::vector<Probe> probes(static_cast<std::size_t>(at_once));
    for (std::size_t i = 0; i < probes.size(); ++i) probes[i].connection = static_cast<std::uint32_t>(i);
    const std::optional<CpuTime> before = target_.cpu_time();
    const std::vector<Reply> replies = send_probes(probes);
    Burst burst{at_once, {}};
    for (const Reply& reply : replies) {
      if (reply.is_ok()) burst.done.push_back(reply.received - replies.front().sent);
    }
    // What waits for its connection to be asked for again, a second later, says nothing about executing.
    const bool overflowed = !target_.interrupted() && std::ranges::any_of(replies, &Reply::late);
    if (overflowed && (seen_.overflowed_at == 0 || at_once < seen_.overflowed_at))
      seen_.overflowed_at = at_once;
    burst.refused = static_cast<int>(std::ranges::count_if(replies, is_refusal));
    if (burst.refused + static_cast<int>(burst.done.size()) != at_once || overflowed) burst.refused = 0;
    if (burst.done.size() != probes.size() || overflowed) {
      burst.done.clear();
      failed_sizes_.insert(at_once);
    }
    std::ranges::sort(burst.done);
    const std::optional<CpuTime> after = target_.cpu_time();
    if (!burst.done.empty() && before && after) {
      burst.runnable = share(after->runnable - before->runnable, burst.done.back());
      burst.one_thread = share(after->busiest - before->busiest, after->used - before->used);
    }
    seen_.bursts.push_back(std::move(burst));
    if (failed_sizes_.count(at_once) != 0) return false;
    seen_.most_at_once = std::max(seen_.most_at_once, at_once);
    const double rounds = std::round(seconds(seen_.bursts.back().done.back()) / alone_seconds(seen_));
    parallel_ = std::max(parallel_, static_cast<int>(at_once / std::max(1.0, rounds)));
    return true;
  }

  std::vector<Probe> staggered(int count, Nanos gap, bool keep) const {
    std::vector<Probe> probes;
    for (int i = 0; i < count; ++i)
      probes.push_back({static_cast<std::uint32_t>(i), false, gap * i, false, keep});
    return probes;
  }

  /// Opens connections one by one, each with a request at once: a worker that is busy with the one before
  /// leaves the next to an idle worker, so all workers get some even where one of them would take all that
  /// waits.
  bool harvest(int count) {
    const Nanos gap = std::clamp<Nanos>(service() / 8, kMillisecond / 2, 20 * kMillisecond);
    const Nanos patience = gap * count + (count + 3) * service() * 3 / 2 + 300 * kMillisecond;
    const std::vector<Reply> replies =
        target_.send_probes(staggered(count, gap, true), std::min(patience, left()));
    kept_ += count;
    bool silent = false, held = false;
    for (const Reply& reply : replies) {
      ++seen_.sent;
      ++(reply.is_ok() ? seen_.answered : seen_.unfinished);
      silent |= reply.outcome == Outcome::timeout;
      held |= reply.kept;
      seen_.closes |= reply.is_ok() && !reply.kept;
    }
    // Where a thread holds its connection, those beyond the last thread are not read while the others are
    // kept open. That is this examination's doing, and no failure of the server. Where none was kept, their
    // backlog overflowed.
    seen_.idle_holds = silent && held && !over();
    return std::ranges::all_of(replies, [](const Reply& reply) { return reply.is_ok() && reply.kept; });
  }

  /// At once. False: out of time, or a connection was lost.
  bool send_kept(const std::vector<std::uint32_t>& connections) {
    if (!affordable(2 * service(), kKeptShare)) return false;
    kept_ += static_cast<std::int64_t>(connections.size());
    if (kept_ > kMaxOnKept) return false;
    std::vector<Probe> probes;
    for (const std::uint32_t connection : connections) probes.push_back({connection, false, 0, true, true});
    const std::optional<CpuTime> before = target_.cpu_time();
    const std::vector<Reply> replies = send_probes(probes);
    KeptBurst burst{connections, {}};
    bool kept = true;
    for (const Reply& reply : replies) {
      if (!reply.is_ok()) return false;
      kept = kept && reply.kept;
      burst.done.push_back(reply.received - replies.front().sent);
    }
    const std::optional<CpuTime> after = target_.cpu_time();
    if (before && after)
      burst.runnable = share(after->runnable - before->runnable, *std::ranges::max_element(burst.done));
    seen_.kept.push_back(std::move(burst));
    return kept;
  }

  /// Whether a pair waits, by the most of up to three times where it seemed to; none: out of time, or a
  /// connection was lost.
  std::optional<bool> pair_waits(std::uint32_t a, std::uint32_t b) {
    int waited = 0, ran = 0;
    do {
      if (!send_kept({a, b})) return std::nullopt;
      ++(has_waited(seen_.kept.back(), seen_) ? waited : ran);
    } while (waited > 0 && waited < 2 && ran < 2);
    return waited > ran;
  }

  /// Takes the connections one by one. One that runs beside all those that were found apart is apart too; one
  /// that does not is paired with each of them: it waits always for the one that is with the same worker, and
  /// never for the others. In a pool that is full it waits for none of them alone.
  void find_groups(int count) {
    std::vector<std::uint32_t> apart;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ran;
    std::size_t pairs = 0;
    for (std::uint32_t connection = 0; connection < static_cast<std::uint32_t>(count); ++connection) {
      if (apart.size() > 1) {
        std::vector<std::uint32_t> beside = apart;
        beside.push_back(connection);
        if (!send_kept(beside)) return;
      }
      bool alone = apart.empty() || (apart.size() > 1 && !has_waited(seen_.kept.back(), seen_));
      if (!alone) {
        alone = true;
        for (const std::uint32_t other : apart) {
          if (++pairs > kMaxPairs) break;
          const std::optional<bool> waits = pair_waits(other, connection);
          if (!waits) return;
          alone = !*waits;
          if (!alone) break;
          ran.emplace_back(other, connection);
        }
      }
      if (alone) apart.push_back(connection);
    }
    // Some that ran beside each other once more: always, or by chance?
    std::shuffle(ran.begin(), ran.end(), random_);
    if (ran.size() > kAgain) ran.resize(kAgain);
    for (const auto& [a, b] : ran) {
      if (!send_kept({a, b})) return;
    }
  }

  /// Several workers with a pool each are together as large as one, but some of their connections are with
  /// the same worker.
  void draw_lots(int size) {
    constexpr int kLots = 8;
    if (seen_.idle_holds || seen_.closes || 2 * size > options_.most_at_once || over()) return;
    if (kept_ + 2 * size > kMaxOnKept || !harvest(2 * size)) return;
    std::vector<std::uint32_t> all(2 * static_cast<std::size_t>(size));
    std::iota(all.begin(), all.end(), std::uint32_t{0});
    while (seen_.lots < kLots) {
      std::shuffle(all.begin(), all.end(), random_);
      if (!send_kept({all.begin(), all.begin() + size})) return;
      ++seen_.lots;
      seen_.lots_waited += has_waited(seen_.kept.back(), seen_);
      seen_.kept.pop_back();
    }
  }

  int served_of(const std::vector<Reply>& replies) {
    int served = 0;
    for (const Reply& reply : replies) {
      served += reply.is_ok();
      if (reply.outcome == Outcome::bad_status) seen_.limit_probe->status = reply.status;
    }
    return served;
  }

  /// The most that are all served on connections that were there before; 0: what was served once is not.
  int find_connections() {
    int refused = std::numeric_limits<int>::max();
    for (const Burst& burst : seen_.bursts) {
      if (burst.refused > 0) refused = std::min(refused, burst.at_once);
    }
    int served = seen_.most_at_once;
    const auto all_served = [&](int at_once) {
      std::vector<Probe> probes = staggered(at_once, 0, false);
      for (Probe& probe : probes) probe.opened_before = true;
      return served_of(send_probes(probes)) == at_once;
    };
    if (served == 0 || !all_served(served)) return 0;
    while (served + 1 < refused && !over()) {
      const int middle = (served + refused) / 2;
      (all_served(middle) ? served : refused) = middle;
    }
    return served;
  }

  /// Even streams, the second one slower for rates below a few a second. The latter half counts: a bucket
  /// that was full is empty by then.
  std::optional<double> find_rate() {
    constexpr int kFewest = 4;
    std::optional<double> per_second;
    for (const auto& [count, gap] : {std::pair{200, 5 * kMillisecond}, std::pair{100, 50 * kMillisecond}}) {
      if (!affordable(count * gap + service(), 1) || over()) break;
      const std::vector<Reply> replies = send_probes(staggered(count, gap, false));
      const int served = served_of({replies.begin() + count / 2, replies.end()});
      per_second = served / (seconds(gap) * (count / 2.0));
      if (served >= kFewest) break;
    }
    return per_second;
  }

  void ping_beside(int at_once) {
    constexpr int kThroughout = 16;
    const Nanos one = service();
    const Nanos gap = at_once > 1 ? std::min<Nanos>(2 * kMillisecond, one * 3 / (10 * at_once)) : 0;
    std::vector<Probe> probes = staggered(at_once, gap, false);
    const Nanos sent = gap * at_once;
    // The first three while even a single slow one is under way; then until the last one is answered. A
    // backlog that is known to be short has room for those three only.
    std::vector<Nanos> times{one * 15 / 100, one * 35 / 100, one * 50 / 100};
    const Nanos whole = makespan(at_once);
    const Nanos step = std::max<Nanos>(whole / kThroughout, 2 * kMillisecond);
    for (Nanos at = times.back() + step; at < whole - kMillisecond && seen_.overflowed_at == 0; at += step)
      times.push_back(at);
    for (const Nanos at : times)
      probes.push_back({static_cast<std::uint32_t>(probes.size()), true, sent + at, false, false});
    const std::vector<Reply> replies = send_probes(probes);
    const auto pings = replies.begin() + at_once;
    const auto failed = std::ranges::find_if_not(pings, replies.end(), &Reply::is_ok);
    if (failed != replies.end() && seen_.ping_failure.empty()) seen_.ping_failure = name_of_failure(*failed);
    if (!std::ranges::all_of(replies, &Reply::is_ok)) return;
    const Nanos first = std::ranges::min_element(replies.begin(), pings, {}, &Reply::received)->received;
    for (auto ping = pings; ping != replies.end(); ++ping)
      seen_.pings.push_back({at_once, ping->latency(), first - ping->sent});
  }

  /// Often enough that nothing of a tenth of a second is missed; a slow route less often than it answers.
  Nanos watch_gap() const {
    constexpr Nanos kOften = 100 * kMillisecond;
    return options_.ping ? kOften : std::max(kOften, 2 * service());
  }

  Target& target_;
  const ExaminationOptions options_;
  Observations seen_;
  Nanos began_ = 0;
  std::mt19937_64 random_;
  std::int64_t kept_ = 0;  // requests on kept connections
  int refused_alone_ = 0;  // the status of a request that was refused though none was under way
  std::set<int> failed_sizes_;
  int parallel_ = 1;  // the most at a time that the bursts so far speak for
};

}  // namespace

Observations examine(Target& target, const ExaminationOptions& options,
                     const std::function<void(const Outlook&)>& announce) {
  Examiner examiner(target, options);
  if (!examiner.ask_alone(1)) return examiner.take();
  announce(examiner.outlook());
  if (examiner.ask_alone(kAlone - 1)) {
    examiner.send_bursts();
    examiner.ask_alone_again();
    examiner.ask_rested();
  }
  examiner.probe_limit();
  examiner.keep_connections();
  examiner.ask_on_kept();
  if (options.ping) examiner.ping_beside();
  examiner.watch();
  return examiner.take();
}
}  // namespace lab
