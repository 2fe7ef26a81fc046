#include "harness/model/model.hpp"

#include <catch2/catch.hpp>

#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

std::string form(const Experiment& experiment) {
  return closed_form(experiment.input()).value_or(ClosedForm{"none"}).text;
}

}  // namespace

TEST_CASE("Waits: the resource that a request holds meanwhile decides the closed form") {
  const Plan plan{wait(ms(100))};
  CHECK(form(Experiment(kBlockingLoop, plan, burst(10))) == "N·d");
  CHECK(form(Experiment(kAsyncLoop, plan, burst(10))) == "d");
  CHECK(form(Experiment(kThreadPool, plan, burst(10))) == "⌈N/P⌉·d");
  CHECK(form(Experiment(kOffload, plan, burst(10))) == "⌈N/P⌉·d");
  CHECK(form(Experiment(kThreads, plan, burst(10))) == "⌈N/T⌉·d");
  CHECK(form(Experiment(kBlockingLoop, plan, burst(10)).workers(4)) == "⌈N/W⌉·d");
  CHECK(form(Experiment(kThreadPool, plan, burst(10)).workers(4)) == "⌈N/(W·P)⌉·d");
  CHECK(form(Experiment(kThreads, plan, burst(10)).workers(4)) == "⌈N/(W·T)⌉·d");
  CHECK(form(Experiment(kAsyncLoop, plan, burst(10)).workers(4)) == "d");
  CHECK(form(Experiment(kAsyncLoop, {blocking(wait(ms(100)))}, burst(10))) == "N·d");
}

TEST_CASE("CPU work: cores, loop or interpreter lock, whichever binds") {
  const Plan plan{cpu(ms(100))};
  CHECK(form(Experiment(kBlockingLoop, plan, burst(10))) == "N·c");
  CHECK(form(Experiment(kThreadPool, plan, burst(10)).on_cores(2)) == "N·c/C");
  CHECK(form(Experiment(kThreadPool, plan, burst(10)).on_cores(2).gil()) == "N·c");
  CHECK(form(Experiment(kThreadPool, plan, burst(10)).on_cores(8).gil().workers(4)) == "⌈N/W⌉·c");
  CHECK(form(Experiment(kBlockingLoop, plan, burst(10)).on_cores(2).workers(4)) == "N·c/C");
  CHECK(form(Experiment(kBlockingLoop, plan, burst(10)).on_cores(4).workers(4)) == "⌈N/W⌉·c");
}

TEST_CASE("There is no closed form for several steps, several loads or other arrivals") {
  CHECK(form(Experiment(kAsyncLoop, {wait(1), wait(1)}, burst(2))) == "none");
  CHECK(form(Experiment(kAsyncLoop, {}, burst(2))) == "none");
  CHECK(form(Experiment(kAsyncLoop, {wait(1)}, closed(1, 2))) == "none");
  CHECK(form(Experiment({{kAsyncLoop, {wait(1)}}}, {burst(1), burst(1)})) == "none");
}

TEST_CASE("Connections: rounds of k, where nothing else is held") {
  const Experiment pool = Experiment(kAsyncLoop, {on_connection(ms(100))}, burst(20)).connections(5);
  CHECK(form(pool) == "⌈N/k⌉·d");
  CHECK(form(Experiment(pool).workers(2)) == "⌈N/(W·k)⌉·d");
  CHECK(closed_form(Experiment(pool).workers(2).input())->seconds == Approx(0.2));
  CHECK(form(Experiment(pool).connections(0)) == "d");
  CHECK(form(Experiment(kThreadPool, {on_connection(ms(100))}, burst(20)).connections(5)) == "none");
}

TEST_CASE("There is no closed form where chance deals, a queue computes, or something runs beforehand") {
  const Experiment four = Experiment(kBlockingLoop, {wait(ms(100))}, burst(10)).workers(4);
  for (const Accept policy : {Accept::greedy, Accept::reuseport, Accept::one}) {
    CHECK(form(Experiment(four).accept(policy)) == "none");
  }
  CHECK(form(Experiment(kTaskQueue, {cpu(ms(100))}, burst(10))) == "none");
  Experiment dependent(kAsyncLoop, {wait(ms(100))}, burst(10));
  dependent.routes[0].depends.push_back({{wait(ms(100))}, false});
  CHECK(form(dependent) == "none");
}

TEST_CASE("A process pool computes without the interpreter lock") {
  Experiment experiment = Experiment(kOffload, {cpu(ms(100))}, burst(4)).gil();
  CHECK(form(experiment) == "N·c");
  experiment.arm.pool_processes = true;
  CHECK(form(experiment) == "N·c/C");
}

TEST_CASE("A closed form is the bound, and the prediction reaches it") {
  Draw draw(5);
  for (int i = 0; i < 3000 / LAB_TEST_DIVISOR; ++i) {
    const Traits modes[] = {kBlockingLoop, kAsyncLoop, kThreadPool, kOffload, kThreads};
    const Nanos span = draw.number(1, 1000) * kMillisecond;
    Experiment experiment(modes[draw.number(0, 4)], {draw.one_in(2) ? wait(span) : cpu(span)},
                          burst(draw.number(1, 100)));
    experiment.workers(static_cast<int>(draw.number(1, 5))).threads(static_cast<int>(draw.number(1, 50)));
    experiment.on_cores(static_cast<int>(draw.number(1, 8)));
    experiment.arm.gil = draw.one_in(4);
    const auto form = closed_form(experiment.input());
    REQUIRE(form);
    INFO(i << ": " << form->text);
    REQUIRE(form->seconds == Approx(bound(experiment.input()).seconds).epsilon(1e-9));
    REQUIRE(experiment.makespan() >= form->seconds - 1e-7);
    if (std::holds_alternative<Wait>(experiment.routes[0].plan[0].action)) {
      REQUIRE(experiment.makespan() == Approx(form->seconds).epsilon(1e-9));
    }
  }
}
