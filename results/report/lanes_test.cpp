#include "results/report/lanes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "results/report/testing/samples.hpp"

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
                                                {0.8, 0.9, LaneState::lock},
                                                {0.9, 1.0, LaneState::reply}})});
  CHECK(draw_lanes(report, kAscii) ==
        std::vector<std::string>{"only   . unread   # loop   P pool or thread   ~ waits   + runnable",
                                 "  x waits for the GIL   - reply",
                                 "  1 ....++++########PPPPPPPP~~~~~~~~xxxx----  1.00 s"});
}

TEST_CASE("A request too short for a cell is still seen") {
  const Report report = one_arm({samples::lane(1, 5.0, {{0, 5, LaneState::loop}}),
                                 samples::lane(2, 2.5004, {{2.5, 2.5004, LaneState::waiting}})});
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "  2                     ~                     0.4 ms");
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

namespace {

/// `count` requests for a pool of forty, each 100 ms and up to `jitter` seconds late.
ArmReport pool(const std::string& case_id, std::uint32_t count, double jitter) {
  ArmReport arm = samples::arm("pool", "", 0.1, {0.1, {}, {}, {0.1}});
  arm.case_id = case_id;
  arm.requests = count;
  double last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t round = i / 40;
    const double from = 0.1 * round + jitter * ((i * 7) % 5) / 5;
    last = std::max(last, from + 0.1);
    arm.lanes.push_back(samples::lane(i + 1, from + 0.1,
                                      {{0, from, LaneState::runnable}, {from, from + 0.1, LaneState::pool}}));
  }
  const std::uint32_t rounds = (count + 39) / 40;
  arm.bound_s = 0.1 * rounds;
  arm.makespan_s = Estimate{last, {}, {}, {last}};
  return arm;
}

}  // namespace

TEST_CASE("Of several cases the first is drawn in which a request queues longer, and it is named") {
  Report report;
  report.arms = {pool("burst-40", 40, 0.002), pool("burst-41", 41, 0.002), pool("burst-100", 100, 0.002)};
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "pool (burst-41)   P holds a pool member or thread   + runnable   | bound");
  CHECK(lines[1].rfind("1-40 PPPP", 0) == 0);
  CHECK(lines[2].rfind("  41 ++++", 0) == 0);
}

TEST_CASE("Of arms that take as long as each other the first one of the table is drawn") {
  Report report;
  report.arms = {pool("main", 20, 0), pool("main", 20, 0.001)};
  report.arms[1].arm = "pool@uvloop";
  CHECK(draw_lanes(report, kAscii)[0].rfind("pool   ", 0) == 0);
}

TEST_CASE("Where no case queues longer than the first one, that which took longest is drawn") {
  Report report;
  report.arms = {pool("few", 10, 0), pool("more", 20, 0.001)};
  CHECK(draw_lanes(report, kAscii)[0].rfind("pool (more)   ", 0) == 0);
}

TEST_CASE(
    "Jitter splits no group, and its label names the requests, or their number where they are too "
    "scattered") {
  Report report;
  report.arms = {pool("main", 41, 0.002)};
  std::swap(report.arms[0].lanes[40].request, report.arms[0].lanes[20].request);
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].rfind("1-20, 22-41 PPPP", 0) == 0);
  CHECK(lines[2].rfind("         21 ++++", 0) == 0);
  for (std::size_t i = 2; i < 41; i += 10) report.arms[0].lanes[i].request += 100;
  CHECK(draw_lanes(report, kAscii)[1].rfind("40 requests PPPP", 0) == 0);
}

TEST_CASE("Lanes stand in the order in which they end") {
  const std::vector<std::string> lines =
      draw_lanes(one_arm({samples::lane(1, 1, {{0, 1, LaneState::loop}}),
                          samples::lane(2, 0.5, {{0, 0.5, LaneState::waiting}})}),
                 kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "  2 ~~~~~~~~~~~~~~~~~~~~                      0.50 s");
  CHECK(lines[2] == "  1 ########################################  1.00");
}

TEST_CASE("A list of lanes that was cut says so and does not seem to end the arm") {
  Report report = one_arm({samples::lane(1, 1, {{0, 1, LaneState::loop}})}, 100.0);
  report.arms[0].requests = 100;
  report.arms[0].makespan_s = Estimate{100, {}, {}, {100}};
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "  1 #                                       | 1.0 s");
  CHECK(lines[2] == "  : the first 1 of 100 requests");
}

TEST_CASE("A request that was never sent does not make the list a cut one") {
  Report report = one_arm({samples::lane(1, 1, {{0, 1, LaneState::loop}})});
  report.arms[0].requests = 2;
  report.arms[0].books.planned = 2;
  report.arms[0].books.sent = 1;
  CHECK(draw_lanes(report, kAscii).size() == 2);
}

TEST_CASE("Short requests on a long axis are given in milliseconds and still drawn") {
  Report report =
      one_arm({samples::lane(1, 0.5, {{0, 0.5, LaneState::loop}}),
               samples::lane(2, 0.0004, {{0, 0.0004, LaneState::unread}}), samples::lane(3, 0.25, {})});
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1] == "  2 .                                         0.4 ms");
  CHECK(lines[2] == "  3                     -                     0.25 s");
  CHECK(lines[3] == "  1 ########################################  0.50");
}

TEST_CASE("Where there are fewer rows, the mark of those left out has none, and the longest lanes stay") {
  const Report report = samples::blocking_async();
  const auto rows = [&](std::size_t most) { return draw_lanes(report, kAscii, most); };
  CHECK(rows(7).size() == 7);
  CHECK(rows(6).size() == 6);
  CHECK(rows(7)[3] == "   :");
  CHECK(rows(6)[2].starts_with("   2 "));
  CHECK(rows(6)[3].starts_with(": 10 "));
  CHECK(rows(5)[1].starts_with("   1 "));
  CHECK(rows(5)[2].starts_with(": 10 "));
  CHECK(rows(4)[1].starts_with(": 10 "));
  CHECK(rows(4)[2] == "async-loop, same scale");
  CHECK(rows(3).size() == 2);
  CHECK(rows(1).empty());
}

TEST_CASE(
    "Of few lanes the longest of each route is one, and marks stand on both sides of what is left out") {
  std::vector<Lane> lanes;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const double from = 0.1 * i;
    const double took = i == 4 ? 0.5 : 0.02;
    lanes.push_back(samples::lane(i + 1, from + took, {{from, from + took, LaneState::waiting}}));
    lanes.back().route = i % 3 == 0 ? "slow" : "quick";
  }
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii, 3);
  REQUIRE(lines.size() == 3);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find("quick 5") != std::string::npos;
        }) == 1);
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.find("slow ") != std::string::npos; }) == 1);
}

TEST_CASE("Of few lanes that lasted alike, the first and the last are drawn, whatever jitter says") {
  std::vector<Lane> lanes;
  for (std::uint32_t i = 0; i < 9; ++i) {
    const double end = 0.1 * i + 0.1 + (i == 4 ? 0.001 : 0);
    lanes.push_back(samples::lane(i + 1, end, {{0.1 * i, end, LaneState::waiting}}));
  }
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii, 3);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].starts_with("  1 "));
  CHECK(lines[2].starts_with(": 9 "));
}

TEST_CASE("Lanes grow with the terminal") {
  const std::string lane = draw_lanes(samples::blocking_async(), {120, true, false})[4];
  CHECK(std::count(lane.begin(), lane.end(), '.') + std::count(lane.begin(), lane.end(), '#') == 80 + 1);
}

TEST_CASE("A sign that only elided lanes show is not explained") {
  std::vector<Lane> lanes;
  for (std::uint32_t i = 0; i < 5; ++i) {
    lanes.push_back(samples::lane(i + 1, i + 1, {{0, i + 1.0, i == 2 ? LaneState::pool : LaneState::loop}}));
  }
  CHECK(draw_lanes(one_arm(lanes), kAscii)[0] == "only   # holds the loop");
}

TEST_CASE("A lane that ends before the bound's mark is not hidden by it") {
  const Report report = one_arm({samples::lane(1, 0.1, {{0, 0.1, LaneState::waiting}}),
                                 samples::lane(2, 100, {{0, 100, LaneState::loop}})},
                                0.1);
  CHECK(draw_lanes(report, kAscii)[1].rfind("  1 ~|", 0) == 0);
}

TEST_CASE("Lanes of different states are never one group, however short") {
  const Report report = one_arm({samples::lane(1, 0.1, {{0, 0.1, LaneState::loop}}),
                                 samples::lane(2, 0.2, {{0, 0.2, LaneState::unread}}),
                                 samples::lane(3, 100, {{0, 100, LaneState::loop}})});
  CHECK(draw_lanes(report, kAscii).size() == 4);
}

TEST_CASE("A series of another route is one lane beside the others") {
  std::vector<Lane> lanes{samples::lane(1, 1.55, {{0, 1.55, LaneState::waiting}})};
  for (std::uint32_t i = 0; i < 20; ++i) {
    lanes.push_back(samples::lane(i + 2, 0.1 + 0.1 * i, {{0.1 * i, 0.1 + 0.1 * i, LaneState::unread}}));
    lanes.back().route = "ping";
  }
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].rfind("  delay 1 ~~~", 0) == 0);
  CHECK(lines[2].rfind("ping 2-21 ", 0) == 0);
}

TEST_CASE(
    "Requests that come one by one beside another route are one lane, with a sign where each is served") {
  std::vector<Lane> lanes{samples::lane(1, 1, {{0, 1, LaneState::loop}})};
  for (std::uint32_t i = 0; i < 10; ++i) {
    const double sent = 0.1 * i;
    const double served = sent < 0.5 ? 0.5 : sent + 0.001;
    lanes.push_back(samples::lane(i + 2, served, {{sent, served, LaneState::unread}}));
    lanes.back().route = "ping";
  }
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "only   . unread   # holds the loop   o served");
  CHECK(lines[1] == "ping 2-11 ....................o   o   o   o   o     1.0 ms-0.50 s");
}

TEST_CASE("Threads that take turns under the lock within a cell show its share") {
  std::vector<LaneSegment> turns;
  for (int i = 0; i < 80; ++i) {
    const double from = 0.005 * i;
    turns.push_back({from, from + 0.005, i % 4 == 0 ? LaneState::pool : LaneState::lock});
  }
  const std::string line = draw_lanes(one_arm({samples::lane(1, 0.4, turns)}), kAscii)[1];
  CHECK(std::count(line.begin(), line.end(), 'P') == 10);
  CHECK(std::count(line.begin(), line.end(), 'x') == 30);
  CHECK(line.find("PP") == std::string::npos);
}

TEST_CASE("Threads that take turns on a core show their share as those under a lock do") {
  std::vector<LaneSegment> turns;
  for (int i = 0; i < 80; ++i) {
    const double from = 0.005 * i;
    turns.push_back({from, from + 0.005, i % 2 == 0 ? LaneState::pool : LaneState::runnable});
  }
  const std::string line = draw_lanes(one_arm({samples::lane(1, 0.4, turns)}), kAscii)[1];
  CHECK(line.find("P+P+P+P+P+") != std::string::npos);
}

TEST_CASE("What a request took stands beside its lane, not when it ended") {
  std::vector<Lane> lanes;
  for (std::uint32_t i = 0; i < 3; ++i)
    lanes.push_back(samples::lane(i + 1, i + 0.5, {{i + 0.0, i + 0.5, LaneState::waiting}}));
  const std::vector<std::string> lines = draw_lanes(one_arm(lanes), kAscii);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].ends_with("  0.50 s"));
  CHECK(lines[3].ends_with("  0.50"));
}

TEST_CASE("A server of one's own is drawn beside the longest arm, however soon its requests were over") {
  Report report = samples::blocking_async();
  ArmReport own = report.arms[1];
  own.arm = own.engine.kind = kServer;
  own.makespan_s.reset();
  own.lanes = {samples::lane(1, 0.001, {{0, 0.001, LaneState::loop}})};
  report.arms.push_back(own);
  const std::vector<std::string> lines = draw_lanes(report, kAscii);
  CHECK(lines[0].starts_with("blocking-loop "));
  CHECK(std::count(lines.begin(), lines.end(), "server, same scale") == 1);

  report.arms.back().lanes = {samples::lane(1, 9, {{0, 9, LaneState::loop}})};
  const std::vector<std::string> slow = draw_lanes(report, kAscii);
  CHECK(slow[0].starts_with("server "));
  CHECK(std::count_if(slow.begin(), slow.end(),
                      [](const std::string& line) { return line.ends_with("same scale"); }) == 1);
}
