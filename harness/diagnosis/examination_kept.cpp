#include <algorithm>
#include <utility>

#include "harness/diagnosis/examiner.hpp"
#include "harness/diagnosis/kept_fit.hpp"

namespace lab {

namespace {

constexpr int kMostParallel = 16;  // more workers than that, each one at a time, would be a strange server
constexpr int kFewest = 5;
constexpr int kUsual = 12;
constexpr double kKnown = 0.06;  // the deviation of a good fit
constexpr std::size_t kMostPairs = 40;
constexpr std::size_t kAgain = 4;
constexpr double kShare = 0.8;  // of the budget, with all that came before

}  // namespace

std::vector<Shot> Examiner::staggered(int count, Nanos gap, bool keep) const {
  std::vector<Shot> shots;
  for (int i = 0; i < count; ++i)
    shots.push_back({static_cast<std::uint32_t>(i), false, gap * i, false, keep});
  return shots;
}

/// Opens connections one by one, each with a request at once: a worker that is busy with the one before
/// leaves the next to an idle worker, so all workers get some even where one of them would take all that
/// waits.
bool Examiner::harvest(int count) {
  const Nanos gap = std::clamp<Nanos>(service() / 8, kMillisecond / 2, 20 * kMillisecond);
  const Nanos patience = gap * count + (count + 3) * service() * 3 / 2 + 300 * kMillisecond;
  const std::vector<Reply> replies = subject_.fire(staggered(count, gap, true), std::min(patience, left()));
  kept_ += count;
  std::int64_t silent = 0, held = 0;
  for (const Reply& reply : replies) {
    ++seen_.sent;
    if (reply.outcome == Outcome::ok) ++seen_.answered;
    if (reply.outcome == Outcome::timeout) ++silent;
    held += reply.kept;
    if (reply.outcome != Outcome::ok) ++seen_.unfinished;
    if (reply.outcome == Outcome::ok && !reply.kept) seen_.closes = true;
  }
  // Where a thread holds its connection, those beyond the last thread are not read while the others are kept
  // open. That is this examination's doing, and no failure of the server. Where none was kept, their backlog
  // overflowed.
  seen_.idle_holds = silent > 0 && held > 0 && !over();
  return std::all_of(replies.begin(), replies.end(),
                     [](const Reply& reply) { return reply.outcome == Outcome::ok && reply.kept; });
}

bool Examiner::send_kept(const std::vector<std::uint32_t>& connections) {
  kept_ += static_cast<std::int64_t>(connections.size());
  if (kept_ > kMostOnKept) return false;
  std::vector<Shot> shots;
  for (const std::uint32_t connection : connections) shots.push_back({connection, false, 0, true, true});
  const std::optional<Nanos> before = subject_.cpu_time();
  const std::vector<Reply> replies = fire(shots, left());
  KeptBurst burst{connections, {}};
  bool kept = true;
  for (const Reply& reply : replies) {
    if (reply.outcome != Outcome::ok) return false;
    kept = kept && reply.kept;
    burst.done.push_back(reply.received - replies.front().sent);
  }
  burst.runnable = runnable_since(before, *std::max_element(burst.done.begin(), burst.done.end()));
  seen_.kept.push_back(std::move(burst));
  return kept;
}

bool Examiner::waits() const {
  return has_waited(seen_.kept.back(), seen_);
}

/// Whether a pair waits, by the most of up to three times where it seemed to; none: out of time, or a
/// connection was lost.
std::optional<bool> Examiner::pair_waits(std::uint32_t a, std::uint32_t b) {
  int waited = 0, ran = 0;
  do {
    if (!affordable(2 * service(), kShare) || !send_kept({a, b})) return std::nullopt;
    ++(waits() ? waited : ran);
  } while (waited > 0 && waited < 2 && ran < 2);
  return waited > ran;
}

/// Takes the connections one by one. One that runs beside all those that were found apart is apart too; one
/// that does not is paired with each of them: it waits always for the one that is with the same worker, and
/// never for the others. In a pool that is full it waits for none of them alone. False: out of time, or a
/// connection was lost.
bool Examiner::find_groups(int count) {
  std::vector<std::uint32_t> apart;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ran;
  std::size_t pairs = 0;
  for (std::uint32_t connection = 0; connection < static_cast<std::uint32_t>(count); ++connection) {
    if (apart.size() > 1) {
      std::vector<std::uint32_t> beside = apart;
      beside.push_back(connection);
      if (!affordable(2 * service(), kShare) || !send_kept(beside)) return false;
    }
    bool alone = apart.empty() || (apart.size() > 1 && !waits());
    if (!alone) {
      alone = true;
      for (const std::uint32_t other : apart) {
        if (++pairs > kMostPairs) break;
        const std::optional<bool> waits = pair_waits(other, connection);
        if (!waits) return false;
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
  return std::all_of(ran.begin(), ran.end(), [&](const auto& pair) {
    return affordable(2 * service(), kShare) && send_kept({pair.first, pair.second});
  });
}

void Examiner::keep_connections() {
  if (over() || seen_.most_at_once < 4 || seen_.limit_probe) return;
  const std::vector<PoolFit> fits = fit_pools(seen_);
  const auto best = std::min_element(fits.begin(), fits.end(),
                                     [](const PoolFit& a, const PoolFit& b) { return a.error < b.error; });
  // A pool that is known is filled, and one more. Otherwise, and where all seemed to go to one, there may be
  // as many workers as a few cores want.
  const bool known = best->error < kKnown && best->parallelism > 1;
  if (known && best->parallelism > kMostParallel) return;
  const int count = known ? std::max(kFewest, best->parallelism + 2) : kUsual;
  if (count > options_.most_at_once || !affordable((count + 8) * service(), kShare)) return;
  if (harvest(count) && !over()) find_groups(count);
  subject_.hang_up();
}

/// One connection, used again and again: a server that writes its reply in two parts and waits for the first
/// one's acknowledgement shows it here, because a client's kernel puts that off.
void Examiner::ask_on_kept() {
  constexpr int kTimes = 6, kPrompt = 3;
  if (over() || seen_.most_at_once == 0 || refused_alone_ != 0) return;
  for (int i = 0; i < 1 + kTimes + kPrompt; ++i) {
    const bool prompt = i > kTimes;
    if (!affordable(service() + 50 * kMillisecond, 0.9)) break;
    const Reply reply = fire({{0, false, 0, true, true, prompt}}, left()).front();
    if (reply.outcome != Outcome::ok || !reply.kept) break;
    if (i > 0) (prompt ? seen_.prompt_on_kept : seen_.alone_on_kept).push_back(reply.latency());
  }
  subject_.hang_up();
}

}  // namespace lab
