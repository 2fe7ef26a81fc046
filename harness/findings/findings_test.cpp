// Every finding on a sick server and on the healthy one beside it, in virtual time.
#include <catch2/catch.hpp>

#include "harness/findings/testing/findings_testing.hpp"
#include "lab/core/text.hpp"

using namespace lab;
using namespace lab::testing;

TEST_CASE("LAB101: a handler that sleeps on the loop, its victims and what each of them lost") {
  const std::vector<Finding> findings = findings_of(Experiment(kBlockingLoop, {wait(ms(10))}, burst(10)));
  REQUIRE(ids_of(findings) == Ids{"LAB101"});
  const Finding& blocked = findings.front();
  CHECK(blocked.cost_s == Approx(0.45));
  CHECK(blocked.text ==
        "loop blocked: nine requests queued 450 ms in total behind a sleeping loop (2: 10 ms, 3: 20 ms … 10: "
        "90 ms); "
        "request 1 delayed nine others by 10 ms each. The loop served ten requests "
        "without a pause between them.");
  CHECK(found(Experiment(kAsyncLoop, {wait(ms(10))}, burst(10))) == kNone);
  CHECK(found(Experiment(kThreadPool, {wait(ms(10))}, burst(10))) == kNone);
}

TEST_CASE("LAB101: the last victim that is named is the last one, not the one that lost most of the rest") {
  const Experiment experiment({{kBlockingLoop, {wait(ms(100))}}, {kBlockingLoop, {}}},
                              {burst(1), constant(5, ms(10), ms(10), 1)});
  const std::vector<Finding> findings = findings_of(experiment);
  REQUIRE(ids_of(findings) == Ids{"LAB101"});
  CHECK(findings.front().text.find("(2: 90 ms, 3: 80 ms … 6: 50 ms)") != std::string::npos);
}

TEST_CASE("LAB101: a single victim has no total") {
  const Experiment experiment({{kBlockingLoop, {wait(ms(100))}}, {kBlockingLoop, {}}},
                              {burst(1), burst(1, 1, ms(10))});
  const std::vector<Finding> findings = findings_of(experiment);
  REQUIRE(ids_of(findings) == Ids{"LAB101"});
  CHECK(findings.front().text.starts_with(
      "loop blocked: one request queued 90 ms behind a sleeping loop (2: 90 ms);"));
}

TEST_CASE("LAB101: ten blocks that are short each count as the turn of the loop that they make together") {
  CHECK(found(Experiment(kBlockingLoop, {wait(ms(1))}, burst(10))) == Ids{"LAB101"});
  CHECK(found(Experiment(kBlockingLoop, {wait(ms(1))}, burst(5))) == kNone);
}

TEST_CASE("LAB101: who computes on the loop keeps pings waiting, and who pauses every 5 ms does not") {
  const auto beside_pings = [](Plan plan) {
    return found(Experiment({{kAsyncLoop, std::move(plan)}, {kAsyncLoop, {}}},
                            {burst(1), constant(30, ms(7), ms(1), 1)}));
  };
  CHECK(beside_pings({cpu(ms(200))}) == Ids{"LAB101"});
  CHECK(beside_pings({repeat(40, {cpu(ms(5)), {Yield{}}})}) == kNone);
}

TEST_CASE("LAB101: a timer that is due while somebody holds the loop is a victim too") {
  const Experiment experiment({{kAsyncLoop, {wait(ms(10))}}, {kAsyncLoop, {cpu(ms(50))}}},
                              {burst(1), burst(1, 1, ms(5))});
  const std::vector<Finding> findings = findings_of(experiment);
  REQUIRE(ids_of(findings) == Ids{"LAB101"});
  CHECK(findings.front().text.find("request 2 delayed one other") != std::string::npos);
  CHECK(findings.front().cost_s == Approx(0.045));
}

TEST_CASE("LAB102: request 41 waits for one of forty threads; forty do not") {
  const std::vector<Finding> findings = findings_of(Experiment(kThreadPool, {wait(ms(100))}, burst(41)));
  REQUIRE(ids_of(findings) == Ids{"LAB102"});
  CHECK(findings.front().text.find("one request queued") != std::string::npos);
  CHECK(found(Experiment(kThreadPool, {wait(ms(100))}, burst(40))) == kNone);
}

TEST_CASE("LAB102: handlers on the loop queue for the pool as well") {
  CHECK(found(Experiment(kOffload, {wait(ms(100))}, burst(10)).threads(4)) == Ids{"LAB102"});
  CHECK(found(Experiment(kAsyncLoop, {pooled({wait(ms(100))})}, burst(10)).threads(4)) == Ids{"LAB102"});
  CHECK(found(Experiment(kOffload, {wait(ms(100))}, burst(4)).threads(4)) == kNone);
}

TEST_CASE(
    "LAB102: a pool that is half empty on average is none, although somebody meets it full now and then") {
  Experiment half(kThreadPool, {wait(ms(20))}, poisson(200, ms(10)));
  half.threads(4).seed = 42;
  CHECK(found(half) == kNone);
}

TEST_CASE("LAB103: four threads compute under one lock") {
  CHECK(found(Experiment(kThreadPool, {cpu(ms(100))}, burst(4)).gil()) == Ids{"LAB103"});
  CHECK(found(Experiment(kThreadPool, {wait(ms(100))}, burst(4)).gil()) == kNone);
  CHECK(found(Experiment(kThreadPool, {cpu(ms(100))}, burst(2))) == kNone);
}

TEST_CASE("LAB103: the loop waits for the lock as well, and its requests lie unread") {
  CHECK(found(Experiment(kThreadPool, {cpu(ms(5))}, burst(4)).gil()) == Ids{"LAB103"});
}

TEST_CASE("LAB103: a server that says nothing of its lock gives itself away by getting on as one thread") {
  const auto unreported = [](const Experiment& experiment) {
    Keep keep = experiment.observed();
    std::erase_if(keep.events, [](const Event& event) { return event.resource == Resource::gil; });
    return ids_of(findings_of(experiment, keep, true));
  };
  const Experiment four(kThreadPool, {cpu(ms(100))}, burst(4));
  CHECK(unreported(Experiment(four).gil()) == Ids{"LAB103"});
  CHECK(unreported(four) == Ids{"LAB122"});
  // A lock for each process, so only the cores are too few.
  CHECK(unreported(Experiment(kThreadPool, {cpu(ms(100))}, burst(4)).gil().workers(4)) == Ids{"LAB106"});
}

TEST_CASE("LAB104: twenty requests, five connections") {
  CHECK(found(Experiment(kAsyncLoop, {on_connection(ms(100))}, burst(20)).connections(5)) == Ids{"LAB104"});
  CHECK(found(Experiment(kAsyncLoop, {on_connection(ms(100))}, burst(20)).connections(20)) == kNone);
}

TEST_CASE("LAB105: one worker takes nearly all connections while the others idle") {
  const auto four = [](Traits mode, Accept accept) {
    return found(Experiment(mode, {wait(ms(100))}, fresh(constant(10, ms(2)))).workers(4).accept(accept));
  };
  const Ids uneven = four(kBlockingLoop, Accept::greedy);
  CHECK(contains(uneven, "LAB105"));
  // 3-3-2-2 blocks as well, but nobody could have done better.
  CHECK(four(kBlockingLoop, Accept::handoff) == Ids{"LAB101"});
  // Who awaits holds nothing, so it does not matter how many are on one worker.
  CHECK(four(kAsyncLoop, Accept::greedy) == kNone);
}

TEST_CASE("LAB106: four workers compute on two cores; four that sleep need none") {
  CHECK(found(Experiment(kBlockingLoop, {cpu(ms(50))}, burst(4)).workers(4)) == Ids{"LAB106"});
  CHECK(found(Experiment(kBlockingLoop, {cpu(ms(50))}, burst(2)).workers(2)) == kNone);
  CHECK(found(Experiment(kBlockingLoop, {wait(ms(50))}, burst(4)).workers(4)) == kNone);
}

TEST_CASE("LAB107: awaits of what is there already keep the loop") {
  const auto awaiting = [](Step step) {
    return found(Experiment(
        {{kAsyncLoop, {repeat(20'000 / LAB_TEST_DIVISOR, {cpu(5'000 * LAB_TEST_DIVISOR), std::move(step)})}},
         {kAsyncLoop, {}}},
        {burst(1), constant(30, ms(3), ms(2), 1)}));
  };
  CHECK(awaiting({Ready{}}) == Ids{"LAB107", "LAB101"});
  CHECK(awaiting({Yield{}}) == kNone);
}

TEST_CASE("LAB108: a coroutine that nobody awaits") {
  CHECK(found(Experiment(kAsyncLoop, {forget({wait(ms(100))})}, burst(10))) == Ids{"LAB108"});
  CHECK(found(Experiment(kAsyncLoop, {wait(ms(100))}, burst(10))) == kNone);
}

TEST_CASE("LAB108: a server that reports nothing gives itself away by answering too soon") {
  const Experiment experiment(kAsyncLoop, {wait(ms(100))}, burst(10));
  Keep keep = experiment.observed();
  keep.events.clear();
  CHECK(ids_of(findings_of(experiment, keep)) == kNone);
  for (RequestRecord& record : keep.records) {
    record.started = record.finished = 0;
    record.received = record.sent + ms(3);
  }
  CHECK(ids_of(findings_of(experiment, keep)) == Ids{"LAB108"});
}

TEST_CASE("LAB109: three blocking waits, gathered, take the time of three") {
  const Step one = wait(ms(100));
  const Step held = blocking(one);
  const std::vector<Finding> findings =
      findings_of(Experiment(kAsyncLoop, {gather({{held}, {held}, {held}})}, burst(1)));
  REQUIRE(ids_of(findings) == Ids{"LAB109"});
  CHECK(findings.front().cost_s == Approx(0.2));
  CHECK(found(Experiment(kAsyncLoop, {gather({{one}, {one}, {one}})}, burst(1))) == kNone);
  CHECK(found(Experiment(kAsyncLoop, {one, one, one}, burst(1))) == kNone);
}

TEST_CASE("LAB110: connections that are silent keep the threads from those that are not") {
  Traits threads = kThreads;
  threads.idle_timeout = ms(5'000);
  const std::vector<Finding> findings =
      findings_of(Experiment(threads, {wait(ms(10))}, closed(4, 8)).threads(2));
  const Ids ids = ids_of(findings);
  CHECK(contains(ids, "LAB110"));
  CHECK(found(Experiment(threads, {wait(ms(10))}, closed(2, 8)).threads(2)) == kNone);
}

TEST_CASE("LAB112, LAB116: a worker is killed with a request in its hands") {
  Experiment experiment(kAsyncLoop, {wait(ms(100))}, fresh(constant(20, ms(10))));
  CHECK(found(experiment) == kNone);
  experiment.load_case.kills = {{0, ms(55)}};
  const Ids ids = found(experiment);
  CHECK(contains(ids, "LAB112"));
  CHECK(contains(ids, "LAB116"));
}

TEST_CASE("LAB116: how long a worker was away counts from its death, however late that came") {
  Experiment experiment(kAsyncLoop, {wait(ms(100))}, fresh(constant(20, ms(10))));
  experiment.load_case.kills = {{0, ms(55)}};
  const Keep keep = experiment.observed();
  const auto text_of = [&](std::vector<Kill> kills) {
    const std::vector<Finding> findings = find_findings({.records = keep.records,
                                                         .events = keep.events,
                                                         .routes = experiment.routes,
                                                         .load_case = experiment.load_case,
                                                         .kills = kills,
                                                         .began = kModelStart});
    return std::find_if(findings.begin(), findings.end(),
                        [](const Finding& one) { return one.id == "LAB116"; })
        ->text;
  };
  Nanos again = 0;
  for (const Event& event : keep.events) {
    if (again == 0 && event.at > kModelStart + ms(59)) again = event.at - kModelStart;
  }
  REQUIRE(again > 0);
  CHECK(text_of({{0, ms(58)}}).find("after " + format_duration(again - ms(58))) != std::string::npos);
  CHECK(text_of({{0, kSecond}}).find("not back") != std::string::npos);
}

TEST_CASE("LAB117: handlers go on for clients that have gone, unless they are cancelled") {
  Load load = burst(5);
  load.hang_up = ms(20);
  const Experiment experiment(kAsyncLoop, {wait(ms(100))}, load);
  const std::vector<Finding> findings = findings_of(experiment);
  REQUIRE(ids_of(findings) == Ids{"LAB117"});
  CHECK(findings.front().cost_s == Approx(0.4));
  CHECK(found(with(experiment, [](Arm& arm) { arm.cancel = true; })) == kNone);
}

TEST_CASE("LAB118: four workers count for themselves, or all in one store") {
  Load load = burst(10);
  load.keep = "count";
  const Experiment experiment = Experiment(kAsyncLoop, {{Increment{}, false}}, load).workers(4);
  CHECK(found(experiment) == Ids{"LAB118"});
  CHECK(found(with(experiment, [](Arm& arm) { arm.shared_counters = true; })) == kNone);
  CHECK(found(with(experiment, [](Arm& arm) { arm.workers = 1; })) == kNone);
}

TEST_CASE("LAB119: blocking work after the reply stalls the next caller") {
  const auto later = [](Step step) {
    return found(Experiment(kAsyncLoop, {background({std::move(step)})}, fresh(constant(2, ms(50)))));
  };
  const Ids ids = later(blocking(wait(ms(500))));
  CHECK(contains(ids, "LAB119"));
  CHECK(later(wait(ms(500))) == kNone);
  CHECK(later(pooled({wait(ms(500))})) == kNone);
}

TEST_CASE("LAB120: the bytes of a slow upload hold the only thread") {
  Load slow = burst(1);
  slow.body_bytes = 1000;
  slow.body_over = kSecond;
  const auto beside_pings = [&](Traits mode) {
    return found(
        Experiment({{mode, {}}, {mode, {}}}, {slow, fresh(constant(5, ms(100), ms(100), 1))}).threads(1));
  };
  CHECK(beside_pings(kThreads) == Ids{"LAB120"});
  CHECK(beside_pings(kAsyncLoop) == kNone);
}

TEST_CASE("LAB121: more comes than four threads can do, and the line grows") {
  const auto at_random = [](Nanos every) {
    Experiment experiment(kThreadPool, {wait(ms(20))}, poisson(2 * kSecond / every, every));
    experiment.threads(4).seed = 42;
    return found(experiment);
  };
  CHECK(at_random(ms(4)) == Ids{"LAB102", "LAB121"});
  CHECK(at_random(ms(10)) == kNone);
}

TEST_CASE("LAB122: four threads compute on two cores, two have one each") {
  CHECK(found(Experiment(kThreadPool, {cpu(ms(50))}, burst(4))) == Ids{"LAB122"});
  CHECK(found(Experiment(kThreadPool, {cpu(ms(50))}, burst(2))) == kNone);
  CHECK(found(Experiment(kThreadPool, {cpu(ms(50))}, burst(2)).on_cores(1)) == Ids{"LAB122"});
}
