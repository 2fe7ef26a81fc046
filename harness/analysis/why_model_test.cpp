// What WHY must satisfy for everything that the model can do. Its servers and clients cost nothing, so the
// path leads back through steps of the plan alone: whatever WHY charges to overhead it has made up.
#include <catch2/catch.hpp>

#include "harness/analysis/why.hpp"
#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

constexpr double kShare = 0.01;
constexpr Nanos kAtMost = kMillisecond;

struct ReportedPath {
  CriticalPath path;
  Nanos allowed = 0;

  bool adds_up() const {
    return path.planned + path.lag + path.unread + path.runnable + path.service + path.reply +
               path.unexplained ==
           path.makespan;
  }
  bool explained() const { return path.unexplained <= allowed; }
  bool all_planned() const { return path.makespan - path.planned <= allowed; }
};

ReportedPath report_one(const Experiment& experiment) {
  Keep keep = experiment.observed();
  std::vector<RequestRecord> records = keep.records;
  std::sort(records.begin(), records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  const Occupancy occupancy(keep.events);
  ReportedPath reported;
  reported.path = critical_path(records, occupancy, occupancy, experiment.routes, experiment.load_case, 0);
  reported.allowed =
      std::max<Nanos>(kAtMost, static_cast<Nanos>(kShare * static_cast<double>(reported.path.makespan)));
  return reported;
}

/// How many of them leave more unexplained, or charge more to overhead, than is allowed.
struct Misses {
  int unexplained = 0;
  int not_planned = 0;
};

template <class Make>
Misses misses_of(std::uint64_t seeds, Make make) {
  Misses misses;
  for (std::uint64_t seed = 0; seed < seeds / LAB_TEST_DIVISOR; ++seed) {
    const ReportedPath reported = report_one(make(seed));
    INFO("seed " << seed << " unexplained " << reported.path.unexplained << ", planned "
                 << reported.path.planned << " of " << reported.path.makespan);
    REQUIRE(reported.adds_up());
    REQUIRE(reported.path.lag == 0);  // the model's client is never late
    if (!reported.explained() || !reported.all_planned()) UNSCOPED_INFO("seed " << seed);
    misses.unexplained += reported.explained() ? 0 : 1;
    misses.not_planned += reported.all_planned() ? 0 : 1;
  }
  return misses;
}

}  // namespace

TEST_CASE("the causes add up to the makespan and explain it by the plan, for every experiment of the model") {
  const Misses misses = misses_of(1500, random_experiment);
  CHECK(misses.unexplained == 0);
  CHECK(misses.not_planned <= 20);
}

// Where a worker takes connections one at a time, what made room for one leaves no trace in a few cases.
TEST_CASE("they do so with every kind of step and resource, but for five in a thousand") {
  const Misses misses = misses_of(1500, random_rich_experiment);
  CHECK(misses.unexplained <= 7);
  CHECK(misses.not_planned <= 130);
}

TEST_CASE("where clients go and workers die the causes still add up") {
  CHECK(misses_of(1000, random_faulty_experiment).not_planned <= 70);
}
