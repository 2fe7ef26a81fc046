#include "harness/diagnosis/examination.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "harness/diagnosis/examiner.hpp"

namespace lab {

namespace {

constexpr int kAlone = 5;                // requests one after another; the first one warms the server up
constexpr int kWhenWarm = 40;            // when it is warm, for what happens to one in ten
constexpr double kBurstShare = 0.55;     // of the budget
constexpr Nanos kComfort = 7 * kSecond;  // bursts stop growing and repeating after that, however much is left
constexpr int kRepetitions = 3;
constexpr double kTogether = 1.5;  // a burst that takes less than that much of one request ran together

/// Too Many Requests, Service Unavailable: what says that there are too many (RFC 6585, 4; RFC 9110, 15.6.4).
bool is_refusal(const Reply& reply) {
  return reply.outcome == Outcome::bad_status && (reply.status == 429 || reply.status == 503);
}

}  // namespace

Nanos Examiner::service() const {
  return to_nanos(alone_seconds(seen_));
}

bool Examiner::affordable(Nanos span, double share) const {
  return span <= options_.timeout && span <= left() &&
         static_cast<double>(spent() + span) <= share * static_cast<double>(options_.budget);
}

std::vector<int> Examiner::sizes() const {
  std::vector<int> sizes;
  for (int size = 2; size < options_.most_at_once; size *= 2) sizes.push_back(size);
  sizes.push_back(options_.most_at_once);
  return sizes;
}

Nanos Examiner::expected(int at_once) const {
  const int rounds = (at_once + parallel_ - 1) / parallel_;
  return service() * rounds;
}

std::string name_of_failure(const Reply& reply) {
  if (reply.outcome == Outcome::bad_status) return "status_" + std::to_string(reply.status);
  return std::string(to_string(reply.outcome));
}

std::vector<Reply> Examiner::fire(const std::vector<Shot>& shots, Nanos patience, bool limited) {
  std::vector<Reply> replies =
      subject_.fire(shots, limited ? std::min(patience, options_.timeout) : patience);
  const bool in_time = patience >= options_.timeout;
  for (const Reply& reply : replies) {
    if (reply.outcome == Outcome::unsent) continue;
    ++seen_.sent;
    if (reply.outcome == Outcome::ok) {
      ++seen_.answered;
    } else if (reply.outcome == Outcome::unfinished || (reply.outcome == Outcome::timeout && !in_time)) {
      ++seen_.unfinished;  // the budget's end, or an interruption: no failure of the server
    } else {
      ++seen_.failures[name_of_failure(reply)];
    }
  }
  return replies;
}

std::optional<double> Examiner::runnable_since(std::optional<Nanos> before, Nanos makespan) {
  const std::optional<Nanos> now = subject_.cpu_time();
  if (!before || !now || makespan <= 0) return std::nullopt;
  return seconds(*now - *before) / seconds(makespan);
}

Nanos Examiner::makespan(int at_once) const {
  Nanos least = 0;
  for (const Burst& burst : seen_.bursts) {
    if (burst.at_once != at_once || burst.done.empty()) continue;
    least = least == 0 ? burst.done.back() : std::min(least, burst.done.back());
  }
  return least == 0 ? expected(at_once) : least;
}

void Examiner::ask_alone_again() {
  constexpr Nanos kEnough = 9 * kSecond / 4;
  if (over() || refused_alone_ != 0) return;
  const Nanos one = std::max<Nanos>(service(), kMicrosecond);
  if (affordable(one, 0.7)) ask_alone(static_cast<int>(std::clamp<Nanos>(kEnough / one, 2, kWhenWarm)));
}

/// After a pause a limit of requests a second has room again, and whatever is done behind a reply is done.
void Examiner::ask_rested() {
  constexpr int kTimes = 3;
  if (refused_alone_ != 0 || seen_.most_at_once < 2 || parallel_ > 1) return;
  const Nanos pause = std::clamp<Nanos>(3 * service(), 100 * kMillisecond, kSecond);
  for (int i = 0; i < kTimes && affordable(pause + service(), 0.8) && !over(); ++i) {
    const Reply reply = fire({{0, false, pause, true, false}}, left()).front();
    if (reply.outcome != Outcome::ok) return;
    seen_.rested.push_back(reply.latency());
  }
}

bool Examiner::ask_alone(int times) {
  const std::optional<Nanos> before = subject_.cpu_time();
  const std::size_t first = seen_.alone.size();
  bool fine = true;
  for (int i = 0; i < times; ++i) {
    if (i > 0 && !affordable(service(), first < kAlone ? 0.2 : 0.7)) break;
    const Reply reply = fire({Shot{}}, std::min(left(), options_.timeout)).front();
    if (is_refusal(reply)) refused_alone_ = reply.status;
    fine = reply.outcome == Outcome::ok;
    if (!fine) break;
    seen_.alone.push_back(reply.latency());
  }
  const std::optional<Nanos> after = subject_.cpu_time();
  const Nanos spent =
      std::accumulate(seen_.alone.begin() + static_cast<std::ptrdiff_t>(first), seen_.alone.end(), Nanos{0});
  // The last ones count: the first request also pays for what happens once.
  if (before && after && spent > 0) seen_.cpu_share = seconds(*after - *before) / seconds(spent);
  return fine;
}

Outlook Examiner::outlook() const {
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
  constexpr std::int64_t kServices =
      50;  // that kept connections take where all goes one at a time; pings the same
  outlook.requests += kMostOnKept + kMostForLimit + 3 * (options_.most_at_once + 1) + kWhenWarm + 3 + 12;
  if (options_.ping) outlook.requests += kMostPings;
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

bool Examiner::send_burst(int at_once) {
  std::vector<Shot> shots(static_cast<std::size_t>(at_once));
  for (std::size_t i = 0; i < shots.size(); ++i) shots[i].connection = static_cast<std::uint32_t>(i);
  const std::optional<Nanos> before = subject_.cpu_time();
  const std::vector<Reply> replies = fire(shots, left());
  Burst burst{at_once, {}};
  for (const Reply& reply : replies) {
    if (reply.outcome == Outcome::ok) burst.done.push_back(reply.received - replies.front().sent);
  }
  // What waits for its connection to be asked for again, a second later, tells nothing about executing.
  const bool overflowed =
      !subject_.interrupted() &&
      std::any_of(replies.begin(), replies.end(), [](const Reply& reply) { return reply.late; });
  if (overflowed && (seen_.overflowed_at == 0 || at_once < seen_.overflowed_at))
    seen_.overflowed_at = at_once;
  burst.refused = static_cast<int>(std::count_if(replies.begin(), replies.end(), is_refusal));
  if (burst.refused > 0) burst.status = std::find_if(replies.begin(), replies.end(), is_refusal)->status;
  if (burst.refused + static_cast<int>(burst.done.size()) != at_once || overflowed) burst.refused = 0;
  if (burst.done.size() != shots.size() || overflowed) {
    burst.done.clear();
    failed_sizes_.insert(at_once);
  }
  std::sort(burst.done.begin(), burst.done.end());
  if (!burst.done.empty()) burst.runnable = runnable_since(before, burst.done.back());
  seen_.bursts.push_back(std::move(burst));
  if (failed_sizes_.count(at_once) != 0) return false;
  seen_.most_at_once = std::max(seen_.most_at_once, at_once);
  const double rounds = std::round(seconds(seen_.bursts.back().done.back()) / alone_seconds(seen_));
  parallel_ = std::max(parallel_, static_cast<int>(at_once / std::max(1.0, rounds)));
  return true;
}

void Examiner::send_bursts() {
  for (int repetition = 0; repetition < kRepetitions && !over(); ++repetition) {
    for (const int size : sizes()) {
      // The smallest ones tell most and cost least: they may use what is there.
      const bool small = size <= 4;
      const bool fits = small ? affordable(expected(size), 0.9)
                              : affordable(expected(size), kBurstShare) &&
                                    spent() + expected(size) <= std::max(kComfort, 20 * service());
      if (!fits || failed_sizes_.count(size) != 0 || over()) {
        seen_.cut_short |= !fits && repetition == 0;
        break;
      }
      if (!send_burst(size)) break;
    }
  }
  const Nanos together = static_cast<Nanos>(kTogether * static_cast<double>(service()));
  if (options_.look_beyond && failed_sizes_.empty() && seen_.most_at_once == options_.most_at_once &&
      parallel_ == options_.most_at_once && affordable(4 * together, 0.8)) {
    for (int i = 0; i < kRepetitions && send_burst(2 * options_.most_at_once); ++i) {
    }
  }
}

Observations Examiner::take() {
  seen_.ping_given = options_.ping;
  seen_.spent = spent();
  seen_.interrupted = subject_.interrupted();
  return std::move(seen_);
}

Observations examine(Subject& subject, const ExaminationOptions& options,
                     const std::function<void(const Outlook&)>& announce) {
  Examiner examiner(subject, options);
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
