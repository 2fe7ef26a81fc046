#include "results/lanes.hpp"

#include <catch2/catch.hpp>

#include "results/samples_test.hpp"

using namespace lab;

namespace {

Report one_arm(std::vector<Lane> lanes, std::optional<double> bound = std::nullopt) {
  ArmReport arm = samples::arm("only", "", 1, {1, {}, {}, {1}});
  arm.bound_s = bound;
  arm.requests = static_cast<std::int64_t>(lanes.size());
  arm.lanes = std::move(lanes);
  Report report;
  report.arms = {arm};
  return report;
}

const TextStyle kAscii{80, true, false};

}  // namespace

TEST_CASE("A report without lanes draws nothing") {
  CHECK(draw_lanes(one_arm({}), {}).empty());
}

TEST_CASE("Every state has a sign of its own, explained where it is used") {
  const Report report = one_arm({samples::lane(1, 1.0,
                                               {{0.0, 0.1, LaneState::unread},
                                                {0.1, 0.2, LaneState::runnable},
                                                {0.2, 0.4, LaneState::loop},
                                                {0.4, 0.6, LaneState::pool},
                                                {0.6, 0.8, LaneState::waiting},
                                                {0.8, 1.0, LaneState::reply}})});
  CHECK(draw_lanes(report, kAscii) ==
        std::vector<std::string>{"only   . unread   # holds the loop   P holds a pool member or thread",
                                 "  ~ waits, loop free   + runnable   - reply on its way",
                                 "  1 ....++++########PPPPPPPP~~~~~~~~--------  1.00 s"});
}

TEST_CASE("A request too short for a cell is still seen") {
  const Report report = one_arm({samples::lane(1, 5.0, {{0, 5, LaneState::loop}}),
                                 samples::lane(2, 2.5004, {{2.5, 2.5004, LaneState::waiting}})});
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[2] == "  2                     ~                     2.50");
}

TEST_CASE("Lanes that look alike collapse, and a long series is elided") {
  std::vector<Lane> lanes;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::uint32_t before = i / 20;
    const double round = 0.1 * before;
    lanes.push_back(samples::lane(i + 1, round + 0.1,
                                  {{0, round, LaneState::runnable}, {round, round + 0.1, LaneState::pool}}));
  }
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes, 0.5), kAscii);
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] == "  1-20 PPPPPPPP                                | 0.10 s");
  CHECK(lines[2] == " 21-40 ++++++++PPPPPPPP                        | 0.20");
  CHECK(lines[3] == "     :");
  CHECK(lines[4] == "81-100 ++++++++++++++++++++++++++++++++PPPPPPPP| 0.50");
}

TEST_CASE("The slowest arm is drawn, and the first of the fastest whose loop is free while requests wait") {
  Report report = samples::blocking_async();
  report.arms[1].arm = "free";
  report.arms.push_back(report.arms[1]);
  report.arms.back().arm = "as-free";
  report.arms.back().makespan_s->median = 0.0999;
  std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 7);
  CHECK(lines[0].rfind("blocking-loop ", 0) == 0);
  CHECK(lines[5] == "free, same scale");

  report.arms.erase(report.arms.begin() + 1);
  report.arms.pop_back();
  lines = draw_lanes(report, kAscii);
  CHECK(lines[lines.size() - 2] == "thread-pool, same scale");
}

TEST_CASE("Lanes of several routes are named by them") {
  std::vector<Lane> lanes{samples::lane(1, 1, {{0, 1, LaneState::loop}}),
                          samples::lane(2, 1, {{0.5, 1, LaneState::unread}})};
  lanes[1].route = "ping";
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].rfind("delay 1 ####", 0) == 0);
  CHECK(lines[2].rfind(" ping 2     ", 0) == 0);
}

TEST_CASE("A request without reply says so") {
  CHECK(draw_lanes(one_arm({samples::lane(1, 0, {{0, 1, LaneState::unread}})}), kAscii)[1] ==
        "  1 ........................................  no reply");
}

TEST_CASE("Short loads are timed in milliseconds") {
  CHECK(draw_lanes(one_arm({samples::lane(1, 0.0052, {{0, 0.0052, LaneState::loop}})}), kAscii)[1] ==
        "  1 ########################################  5.20 ms");
}
