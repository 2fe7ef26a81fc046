#include "harness/diagnosis/verdict.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <utility>

#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/testing/simulated_target.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

Observations look_at(const SimulatedServer& server, std::uint64_t seed, ExaminationOptions options = {}) {
  SimulatedTarget target(server, seed);
  options.ping = true;
  options.seed = seed;
  Observations seen = examine(target, options, [](const Outlook&) {});
  seen.cores = 2;
  return seen;
}

struct Kind {
  std::string name;
  SimulatedServer server;
  Execution execution;
  int parallelism;
  bool blocked;
};

SimulatedServer server_of(Traits mode, int workers = 1, int threads = 40) {
  SimulatedServer server;
  server.mode = mode;
  server.workers = workers;
  server.threads = threads;
  if (mode.name == kThreads.name) server.ping_mode = kThreads;
  return server;
}

SimulatedServer computing(SimulatedServer server, bool gil = false) {
  server.computes = true;
  server.gil = gil;
  return server;
}

SimulatedServer by_lot(SimulatedServer server) {
  server.by_lot = true;
  return server;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds{
      {"blocking-loop", server_of(kBlockingLoop), Execution::serial, 1, true},
      {"blocking-loop, 2 workers", server_of(kBlockingLoop, 2), Execution::workers, 2, true},
      {"blocking-loop, 4 workers", server_of(kBlockingLoop, 4), Execution::workers, 4, true},
      {"blocking-loop, 2 workers by lot", by_lot(server_of(kBlockingLoop, 2)), Execution::workers, 2, true},
      {"blocking-loop, 4 workers by lot", by_lot(server_of(kBlockingLoop, 4)), Execution::workers, 4, true},
      {"async-loop", server_of(kAsyncLoop), Execution::concurrent, 128, false},
      {"async-loop, 4 workers by lot", by_lot(server_of(kAsyncLoop, 4)), Execution::concurrent, 128, false},
      {"pool of 1", server_of(kThreadPool, 1, 1), Execution::serial, 1, false},
      {"pool of 2", server_of(kThreadPool, 1, 2), Execution::pool, 2, false},
      {"pool of 5", server_of(kThreadPool, 1, 5), Execution::pool, 5, false},
      {"pool of 8", server_of(kThreadPool, 1, 8), Execution::pool, 8, false},
      {"pool of 40", server_of(kThreadPool), Execution::pool, 40, false},
      {"pool of 100", server_of(kThreadPool, 1, 100), Execution::pool, 100, false},
      {"offload to 8", server_of(kOffload, 1, 8), Execution::pool, 8, false},
      {"thread-per-request, 16 threads", server_of(kThreads, 1, 16), Execution::pool, 16, false},
      {"2 workers with a pool of 4 each", server_of(kThreadPool, 2, 4), Execution::pool, 8, false},
      {"computing loop", computing(server_of(kBlockingLoop)), Execution::serial, 1, true},
      {"computing async loop", computing(server_of(kAsyncLoop)), Execution::serial, 1, true},
      {"computing pool on two cores", computing(server_of(kThreadPool, 1, 8)), Execution::pool, 2, false},
      {"computing pool under a GIL", computing(server_of(kThreadPool, 1, 8), true), Execution::serial, 1,
       false},
  };
  return kKinds;
}

bool is_right(const Kind& kind, const Diagnosis& verdict) {
  // Where connections are dealt by lot, a worker may have got none of them.
  const int least = kind.server.by_lot && kind.execution == Execution::workers && kind.parallelism > 2
                        ? kind.parallelism - 1
                        : kind.parallelism;
  const BoundBy bound_by = kind.server.computes ? BoundBy::cpu : BoundBy::waiting;
  return verdict.execution == kind.execution && verdict.parallelism >= least &&
         verdict.parallelism <= kind.parallelism && verdict.bound_by == bound_by &&
         verdict.loop_blocked == kind.blocked;
}

}  // namespace

TEST_CASE("every execution model is recognized on a quiet machine") {
  for (const Kind& kind : kinds()) {
    const Observations seen = look_at(kind.server, 1);
    const Diagnosis verdict = conclude(seen);
    INFO(kind.name << ": " << to_string(verdict.execution) << " of " << verdict.parallelism << ", "
                   << to_string(verdict.bound_by) << ", blocked " << verdict.loop_blocked.value_or(false)
                   << ", " << verdict.confidence << " " << verdict.reason);
    CHECK(is_right(kind, verdict));
    CHECK(verdict.confidence > 0.85);
    CHECK(verdict.confidence < 1);
    CHECK(seen.spent <= 30 * kSecond);
  }
}

TEST_CASE("on a busy machine nineteen of twenty verdicts are right, and confident ones more often") {
  int right = 0, all = 0, sure = 0, sure_and_right = 0;
  constexpr int kTrials = 20 / LAB_TEST_DIVISOR;
  for (Kind kind : kinds()) {
    kind.server.jitter = 2 * kMillisecond;
    kind.server.stalls = 0.1;
    int of_kind = 0;
    for (std::uint64_t seed = 0; seed < kTrials; ++seed) {
      const Diagnosis verdict = conclude(look_at(kind.server, seed));
      const bool is = is_right(kind, verdict);
      of_kind += is;
      ++all;
      if (verdict.confidence < 0.9) continue;
      ++sure;
      sure_and_right += verdict.execution == kind.execution;
    }
    INFO(kind.name << ": " << of_kind << " of " << kTrials);
    CHECK(of_kind >= kTrials - 1);
    right += of_kind;
  }
  CHECK(right >= all * 97 / 100);
  CHECK(sure > all / 2);
  CHECK(sure_and_right * 100 >= sure * 98);
}

TEST_CASE("slow routes are judged by fewer requests, within the budget") {
  ExaminationOptions options;
  options.budget = 20 * kSecond;
  for (const auto& [mode, execution] :
       {std::pair{kBlockingLoop, Execution::serial}, std::pair{kAsyncLoop, Execution::concurrent}}) {
    SimulatedServer server = server_of(mode);
    server.service = kSecond;
    const Observations seen = look_at(server, 1, options);
    CHECK(conclude(seen).execution == execution);
    CHECK(seen.spent <= options.budget);
  }
}

TEST_CASE("what is too slow or too fast to decide stays unknown, with the reason") {
  SimulatedServer slow = server_of(kBlockingLoop);
  slow.service = 9 * kSecond;
  const Diagnosis too_slow = conclude(look_at(slow, 1));
  CHECK(too_slow.execution == Execution::unknown);
  CHECK(too_slow.reason.find("too slow") != std::string::npos);
  CHECK(too_slow.loop_blocked.value_or(false) == false);
  SimulatedServer fast = server_of(kTaskQueue);  // its reply is an id, at once
  CHECK(conclude(look_at(fast, 1)).reason.find("too fast") != std::string::npos);
}

TEST_CASE("a loop that writes all its replies at the end is one at a time as well") {
  Observations seen = look_at(server_of(kBlockingLoop), 1);
  for (Burst& burst : seen.bursts)
    burst.done.assign(burst.done.size(), burst.done.back());  // as asyncio does
  const Diagnosis verdict = conclude(seen);
  CHECK(verdict.execution == Execution::serial);
  CHECK(verdict.bound_by == BoundBy::waiting);
  CHECK(verdict.fitting == verdict.bursts);
}

TEST_CASE("bursts that overflow the backlog do not count, and are reported") {
  SimulatedServer server = server_of(kBlockingLoop);
  for (const auto& [backlog, overflow] : {std::pair{7, "at 8:"}, std::pair{12, "at 16:"}}) {
    server.backlog = backlog;
    const Diagnosis verdict = conclude(look_at(server, 1));
    CHECK(verdict.execution == Execution::serial);
    CHECK(verdict.confidence > 0.6);
    REQUIRE(!verdict.unsure.empty());
    CHECK(verdict.unsure.back().find(std::string("its backlog overflowed ") + overflow) != std::string::npos);
  }
  server.backlog = 2;
  CHECK(conclude(look_at(server, 1)).reason.find("its backlog overflowed at 4") != std::string::npos);
}

TEST_CASE("never more is sent than was announced") {
  for (const Kind& kind : kinds()) {
    SimulatedTarget target(kind.server, 1);
    ExaminationOptions options;
    options.ping = true;
    std::int64_t announced = 0;
    const Observations seen =
        examine(target, options, [&](const Outlook& outlook) { announced = outlook.requests; });
    INFO(kind.name);
    CHECK(seen.sent <= announced);
    CHECK(seen.sent == target.requests);
    CHECK(seen.sent == seen.answered + seen.unfinished);
  }
}

TEST_CASE("bursts that fit nothing are unknown") {
  Observations seen;
  seen.alone = {50 * kMillisecond, 51 * kMillisecond, 50 * kMillisecond};
  std::mt19937_64 random(1);
  std::uniform_int_distribution<Nanos> any(20 * kMillisecond, 900 * kMillisecond);
  for (const int size : {2, 4, 8, 16, 2, 4, 8, 16}) {
    Burst burst{size, {}};
    for (int i = 0; i < size; ++i) burst.done.push_back(any(random));
    std::sort(burst.done.begin(), burst.done.end());
    seen.bursts.push_back(burst);
  }
  const Diagnosis verdict = conclude(seen);
  CHECK(verdict.execution == Execution::unknown);
  CHECK(!verdict.reason.empty());
}

TEST_CASE("one at a time on a disturbed machine is not taken for workers that were dealt unevenly") {
  Observations seen;
  seen.alone = {20 * kMillisecond, 20 * kMillisecond, 21 * kMillisecond};
  // One reply every 20 ms, but that the machine did something else in between, at other times in each burst.
  for (const auto& [size, after, pauses] : std::vector<std::tuple<int, int, int>>{
           {2, 2, 0}, {4, 1, 4}, {8, 5, 4}, {16, 3, 8}, {4, 4, 0}, {8, 2, 5}, {16, 10, 7}}) {
    Burst burst{size, {}};
    for (int i = 1; i <= size; ++i) burst.done.push_back((i + (i > after ? pauses : 0)) * 20 * kMillisecond);
    seen.bursts.push_back(burst);
  }
  for (int pair = 0; pair < 6; ++pair) {
    const auto first = static_cast<std::uint32_t>(pair);
    seen.kept.push_back({{first, first + 1}, {20 * kMillisecond, 41 * kMillisecond}});
  }
  CHECK(conclude(seen).execution != Execution::workers);
}

TEST_CASE("beside several requests a blocked loop costs a ping all of the first one, a lock some of it") {
  Observations seen;
  seen.pings_alone = {kMillisecond};
  Diagnosis verdict;
  verdict.execution = Execution::serial;
  const auto said = [&](double beside_one, double beside_four) {
    const Nanos left = 100 * kMillisecond;
    const auto ping = [&](int at_once, double share) {
      const auto waited = static_cast<Nanos>(share * static_cast<double>(left));
      return PingBeside{at_once, kMillisecond + waited, left};
    };
    seen.pings = {ping(1, beside_one), ping(4, beside_four)};
    return is_loop_blocked(seen, verdict);
  };
  CHECK(said(1.0, 3.9) == true);
  CHECK(said(1.0, 1.0) == true);
  CHECK(said(0.7, 0.7) == false);  // several turns at the interpreter lock, of 5 ms each
  CHECK(said(0.3, 0.5) == false);
  // Threads that take turns are no loop, however long a ping waits for its own turns.
  verdict.bound_by = BoundBy::cpu;
  seen.bursts = {{.at_once = 4, .done = {ms(160), ms(160), ms(160), ms(160)}, .one_thread = 0.3}};
  CHECK(said(1.0, 1.0) == false);
  seen.bursts.front().one_thread = 0.98;
  CHECK(said(1.0, 1.0) == true);
  // A loop that is blocked is so through the whole of a larger burst, too.
  said(1.0, 1.0);
  seen.pings.push_back({16, kMillisecond, 100 * kMillisecond});
  CHECK_FALSE(is_loop_blocked(seen, verdict));
}

TEST_CASE("a part that runs one at a time is the verdict, and pings through the burst report whom it hurts") {
  for (const Nanos part : {ms(10), ms(30), ms(60)}) {
    SimulatedServer server = server_of(kAsyncLoop);
    server.service = ms(90);
    server.serial_part = part;
    const Observations seen = look_at(server, 1);
    const Diagnosis verdict = conclude(seen);
    INFO(part << ": " << to_string(verdict.execution) << ", " << verdict.serial_part_s << " "
              << verdict.reason);
    CHECK(verdict.execution == Execution::concurrent);
    CHECK(verdict.serial_part_s == Approx(seconds(part)).epsilon(0.15));
    CHECK(verdict.loop_blocked == true);
    CHECK(worst_ping_seconds(seen, 4).value_or(0) > 0.4 * 4 * seconds(part));
    Observations apart = seen;  // the same behind a lock: other routes go on
    for (PingBeside& ping : apart.pings) ping.latency = kMillisecond;
    CHECK(conclude(apart).loop_blocked == false);
  }
}

TEST_CASE("rounds with pauses between them are no part that runs one at a time") {
  // Recorded: two processes with a pool of four each, of which one takes the most.
  Observations seen;
  seen.alone = {ms(51), ms(52), ms(51), ms(51)};
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const int size : {2, 4, 8, 16, 32, 64}) {
      Burst burst{size, {}};
      const int few = size / 3;  // that went to the other one
      for (int i = 0; i < size - few; ++i) burst.done.push_back(ms(51) * (i / 4 + 1));
      for (int i = 0; i < few; ++i) burst.done.push_back(ms(51) * (i / 4 + 1));
      std::sort(burst.done.begin(), burst.done.end());
      seen.bursts.push_back(burst);
    }
  }
  seen.most_at_once = 64;
  const Diagnosis verdict = conclude(seen);
  INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
  CHECK(verdict.serial_part_s == 0);
  CHECK(verdict.parallelism == 8);
}

TEST_CASE("a pool in each of several workers is distinguished from one as large") {
  for (const auto& [workers, threads] : {std::pair{2, 4}, std::pair{1, 8}}) {
    Observations seen = look_at(server_of(kThreadPool, workers, threads), 1);
    seen.processes = workers + 1;  // and their master
    const Diagnosis verdict = conclude(seen);
    INFO(seen.lots_waited << " of " << seen.lots);
    CHECK(verdict.execution == Execution::pool);
    CHECK(verdict.parallelism == 8);
    CHECK(verdict.pools == workers);
  }
}

TEST_CASE("several pools that are dealt unevenly are no pool of so many") {
  SimulatedServer server = by_lot(server_of(kThreadPool, 4, 40));
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Diagnosis verdict = conclude(look_at(server, seed));
    INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
    const bool at_least = verdict.execution == Execution::concurrent || verdict.balanced == false;
    CHECK(at_least);
  }
  server = by_lot(server_of(kThreadPool, 2, 4));
  server.ping_mode = kThreadPool;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Diagnosis verdict = conclude(look_at(server, seed));
    INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
    CHECK(verdict.execution == Execution::pool);
    CHECK(verdict.parallelism == 8);
  }
}

TEST_CASE("several pools are as large together as the first round, though later ones are uneven") {
  // Recorded: gunicorn, two workers with four threads each.
  Observations seen;
  seen.alone = {ms(51), ms(51), ms(52), ms(51)};
  const std::vector<std::vector<int>> rounds{
      {2}, {4}, {7, 1}, {8, 6, 2}, {8, 8, 5, 5, 4, 2}, {8, 8, 8, 8, 6, 4, 4, 4, 4, 4, 3, 2, 1}};
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const std::vector<int>& sizes : rounds) {
      Burst burst;
      for (std::size_t round = 0; round < sizes.size(); ++round) {
        burst.at_once += sizes[round];
        burst.done.resize(static_cast<std::size_t>(burst.at_once), static_cast<Nanos>(round + 1) * ms(51));
      }
      seen.bursts.push_back(burst);
    }
  }
  for (std::uint32_t i = 1; i < 12; ++i) seen.kept.push_back({{0, i}, {ms(51), ms(52)}});
  seen.most_at_once = 64;
  const Diagnosis verdict = conclude(seen);
  INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
  CHECK(verdict.execution == Execution::pool);
  CHECK(verdict.parallelism == 8);
  CHECK(verdict.balanced == false);
}

TEST_CASE("without a cheap route nothing is said about the loop") {
  Observations seen = look_at(server_of(kBlockingLoop), 1);
  seen.pings.clear();
  seen.pings_alone.clear();
  const Diagnosis verdict = conclude(seen);
  CHECK(!verdict.loop_blocked);
  REQUIRE(!verdict.unsure.empty());
  CHECK(verdict.unsure.front().find("no --ping was answered") != std::string::npos);
  seen.ping_given = false;
  CHECK(conclude(seen).unsure.front() == "without --ping, a lock or a pool of one would look the same");
}

TEST_CASE("a request that waits for a core as others have them does not compute") {
  SimulatedServer server = server_of(kBlockingLoop);
  server.core_late = 30 * kMillisecond;
  const Diagnosis verdict = conclude(look_at(server, 1));
  CHECK(verdict.execution == Execution::serial);
  CHECK(verdict.bound_by == BoundBy::waiting);
}

TEST_CASE("without a view on the process, waiting and computing in turn look the same") {
  Observations seen = look_at(server_of(kBlockingLoop), 1);
  seen.cpu_share.reset();
  CHECK(conclude(seen).bound_by == BoundBy::unknown);
  CHECK(conclude(seen).execution == Execution::serial);
}
