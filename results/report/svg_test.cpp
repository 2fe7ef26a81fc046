#include <catch2/catch.hpp>

#include "results/report/format.hpp"

using namespace lab;

namespace {

std::string to_svg(const Report& report) {
  const std::vector<Report> reports{report};
  return write_reports("svg", {reports}).value();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Report two_lanes() {
  Report report;
  report.question = "Who waits?";
  ArmReport arm;
  arm.arm = "blocking-loop";
  arm.label = "async <script>";
  arm.case_id = "main";
  arm.bound_s = 0.2;
  arm.lanes.push_back({1, "delay", 0, true, 0.1, {{0, 0.1, LaneState::loop}}});
  arm.lanes.push_back({2, "delay", 0, true, 0.2, {{0, 0.1, LaneState::unread}, {0.1, 0.2, LaneState::loop}}});
  report.arms.push_back(arm);
  return report;
}

}  // namespace

TEST_CASE("the picture has a bar for every phase of a request, its end in seconds and the bound") {
  const std::string svg = to_svg(two_lanes());
  const std::string lanes = svg.substr(0, svg.find(">unread<"));  // the legend has bars of its own
  CHECK(count(lanes, "height=\"13\"") == 3);
  CHECK(count(svg, "class=\"time\">0.10 s</text>") == 1);
  CHECK(count(svg, "class=\"time\">0.20 s</text>") == 1);
  CHECK(count(svg, "class=\"bound\"") == 2);  // the arm's and the legend's
  CHECK(svg.find("Who waits?") != std::string::npos);
}

TEST_CASE("text in the picture is text, never markup") {
  const std::string svg = to_svg(two_lanes());
  CHECK(svg.find("<script>") == std::string::npos);
  CHECK(svg.find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("a long series is folded to rows that look alike, then cut with the number of those left out") {
  Report report = two_lanes();
  ArmReport& arm = report.arms[0];
  arm.lanes.clear();
  for (std::uint32_t id = 1; id <= 40; ++id)
    arm.lanes.push_back({id, "delay", 0, true, 0.1, {{0, 0.1, LaneState::pool}}});
  arm.lanes.push_back(
      {41, "delay", 0, true, 0.2, {{0, 0.1, LaneState::runnable}, {0.1, 0.2, LaneState::pool}}});
  const std::string folded = to_svg(report);
  CHECK(count(folded, ">1–40</text>") == 1);
  CHECK(count(folded, ">41</text>") == 1);
  CHECK(folded.find("more") == std::string::npos);

  arm.lanes.clear();
  for (std::uint32_t id = 1; id <= 20; ++id)
    arm.lanes.push_back({id, "delay", 0, true, id * 0.1, {{id * 0.1 - 0.1, id * 0.1, LaneState::loop}}});
  const std::string cut = to_svg(report);
  CHECK(cut.find("and 9 more") != std::string::npos);
  CHECK(count(cut, ">20</text>") == 1);
}

TEST_CASE(
    "a request is seen however short it is, with what it took in digits that distinguish it from others") {
  Report report = two_lanes();
  ArmReport& arm = report.arms[0];
  arm.bound_s.reset();
  arm.lanes = {{1, "slow", 0, true, 5, {{0, 5, LaneState::waiting}}},
               {2, "ping", 0, true, 3.0005, {{3, 3.0005, LaneState::unread}}}};
  const std::string svg = to_svg(report);
  CHECK(count(svg, "width=\"3.0\" height=\"13\"") == 1);
  CHECK(count(svg, ">ping 2</text>") == 1);
  CHECK(count(svg, ">0.5 ms</text>") == 1);
  CHECK(count(svg, ">5 s</text>") == 1);  // the axis says when

  arm.lanes = {{1, "delay", 0, true, 0.0161, {{0, 0.0161, LaneState::loop}}},
               {2, "delay", 0, true, 0.0249, {{0, 0.0249, LaneState::loop}}}};
  const std::string close = to_svg(report);
  CHECK(count(close, ">16.1 ms</text>") == 1);
  CHECK(count(close, ">24.9 ms</text>") == 1);
}

TEST_CASE("waiting for the lock has a pattern of its own, and only what is drawn is explained") {
  Report report = two_lanes();
  const std::string none = to_svg(report);
  CHECK(count(none, ">waits for the lock</text>") == 0);
  CHECK(count(none, ">unread</text>") == 1);
  report.arms[0].lanes[1].segments[0].state = LaneState::lock;
  const std::string svg = to_svg(report);
  CHECK(count(svg, "fill=\"url(#lock)\"") == 2);  // the lane's and the legend's
  CHECK(count(svg, ">waits for the lock</text>") == 1);
  CHECK(count(svg, ">unread</text>") == 0);
}

TEST_CASE("a report without lanes is still a picture") {
  const std::string svg = to_svg(Report{});
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.ends_with("</svg>\n"));
}
