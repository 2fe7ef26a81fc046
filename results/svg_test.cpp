#include <catch2/catch.hpp>

#include "results/export.hpp"

using namespace lab;

namespace {

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
  CHECK(count(svg, ">0.10 s</text>") == 1);
  CHECK(count(svg, ">0.20 s</text>") == 1);
  CHECK(count(svg, "class=\"bound\"") == 2);  // the arm's and the legend's
  CHECK(svg.find("Who waits?") != std::string::npos);
}

TEST_CASE("text in the picture is text, never markup") {
  const std::string svg = to_svg(two_lanes());
  CHECK(svg.find("<script>") == std::string::npos);
  CHECK(svg.find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("a long series is cut with the number of those left out") {
  Report report = two_lanes();
  for (std::uint32_t id = 3; id <= 100; ++id) report.arms[0].lanes.push_back({id, "delay", 0, true, 0.2, {}});
  CHECK(to_svg(report).find("and 88 more") != std::string::npos);
}

TEST_CASE("a report without lanes is still a picture") {
  const std::string svg = to_svg(Report{});
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.ends_with("</svg>\n"));
}
