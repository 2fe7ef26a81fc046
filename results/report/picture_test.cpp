#include "results/report/picture.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <regex>

#include "results/report/testing/samples.hpp"

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
  const std::string svg = to_svg(two_lanes(), {});
  const std::string lanes = svg.substr(0, svg.find(">unread<"));  // the legend has bars of its own
  CHECK(count(lanes, "height=\"13.0\"") == 3);
  CHECK(count(svg, "class=\"time\">0.10 s</text>") == 1);
  CHECK(count(svg, "class=\"time\">0.20 s</text>") == 1);
  CHECK(count(svg, "class=\"bound\"") == 2);  // the arm's and the legend's
  CHECK(svg.find("Who waits?") != std::string::npos);
}

TEST_CASE("text in the picture is text, never markup") {
  const std::string svg = to_svg(two_lanes(), {});
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
  const std::string folded = to_svg(report, {});
  CHECK(count(folded, ">1–40</text>") == 1);
  CHECK(count(folded, ">41</text>") == 1);
  CHECK(folded.find("more") == std::string::npos);

  arm.lanes.clear();
  for (std::uint32_t id = 1; id <= 20; ++id)
    arm.lanes.push_back({id, "delay", 0, true, id * 0.1, {{id * 0.1 - 0.1, id * 0.1, LaneState::loop}}});
  const std::string cut = to_svg(report, {});
  CHECK(cut.find("and 11 more") != std::string::npos);
  CHECK(count(cut, ">20</text>") == 1);
}

TEST_CASE(
    "a request is seen however short it is, with what it took in digits that distinguish it from others") {
  Report report = two_lanes();
  ArmReport& arm = report.arms[0];
  arm.bound_s.reset();
  arm.lanes = {{1, "slow", 0, true, 5, {{0, 5, LaneState::waiting}}},
               {2, "ping", 0, true, 3.0005, {{3, 3.0005, LaneState::unread}}}};
  const std::string svg = to_svg(report, {});
  CHECK(count(svg, "width=\"3.0\" height=\"13.0\"") == 1);
  CHECK(count(svg, ">ping 2</text>") == 1);
  CHECK(count(svg, ">0.5 ms</text>") == 1);
  CHECK(count(svg, ">5 s</text>") == 1);  // the axis says when

  arm.lanes = {{1, "delay", 0, true, 0.0161, {{0, 0.0161, LaneState::loop}}},
               {2, "delay", 0, true, 0.0249, {{0, 0.0249, LaneState::loop}}}};
  const std::string close = to_svg(report, {});
  CHECK(count(close, ">16.1 ms</text>") == 1);
  CHECK(count(close, ">24.9 ms</text>") == 1);
}

TEST_CASE("waiting for the GIL has a pattern of its own, and only what is drawn is explained") {
  Report report = two_lanes();
  const std::string none = to_svg(report, {});
  CHECK(count(none, ">waits for the GIL</text>") == 0);
  CHECK(count(none, ">unread</text>") == 1);
  report.arms[0].lanes[1].segments[0].state = LaneState::lock;
  const std::string svg = to_svg(report, {});
  CHECK(count(svg, "fill=\"url(#lock)\"") == 2);  // the lane's and the legend's
  CHECK(count(svg, ">waits for the GIL</text>") == 1);
  CHECK(count(svg, ">unread</text>") == 0);
}

TEST_CASE("where FastAPI's threads compute, a picture says that the GIL's turns are not known") {
  Report report = two_lanes();
  report.arms[0].computes = true;
  report.arms[0].lanes[0].segments[0].state = LaneState::pool;
  CHECK(count(to_svg(report, {}), "does not report who has the GIL") == 0);
  report.arms[0].engine.kind = kRecorded;
  CHECK(count(to_svg(report, {}), "does not report who has the GIL") == 1);
  CHECK(count(to_svg(report, {.slide = true}), "does not report who has the GIL") == 1);
}

TEST_CASE("a picture shows the arms that a terminal shows, or all that were chosen") {
  const Report report = samples::blocking_async();
  const std::string telling = to_svg(report, {});
  CHECK(count(telling, "class=\"arm\">blocking-loop: ") == 1);
  CHECK(count(telling, "class=\"arm\">async-loop: ") == 1);
  CHECK(count(telling, "class=\"arm\">thread-pool: ") == 0);
  CHECK(count(telling, ">median makespan 1.003 s</text>") == 1);
  const std::string all = to_svg(report, {.chosen = true});
  CHECK(count(all, "class=\"arm\">thread-pool: ") == 1);
}

namespace {

/// A slow request beside pings, 100 ms apart; blocked until it ends, or not.
Report pings(bool blocked) {
  Report report;
  ArmReport& arm = report.arms.emplace_back(samples::arm("loop", "", 1, samples::six(1, 1, 1)));
  arm.requests = 10;
  arm.lanes = {samples::lane(1, 1, {{0, 1, LaneState::loop}})};
  for (std::uint32_t i = 1; i < 10; ++i) {
    const double sent = 0.1 * i;
    const double served = blocked ? 1.0 : sent + 0.0004;
    arm.lanes.push_back(samples::lane(i + 1, served, {{sent, served, LaneState::unread}}));
    arm.lanes.back().route = "ping";
  }
  return report;
}

}  // namespace

TEST_CASE("requests that come one by one are one lane with a dot for each, at the moment it is served") {
  const std::string free = to_svg(pings(false), {});
  CHECK(count(free, ">ping 2–10</text>") == 1);
  CHECK(count(free, "<circle cx=\"") - count(free, "<circle cx=\"3\"") == 10);  // the legend's, too
  CHECK(count(free, ">served</text>") == 1);
  const std::string blocked = to_svg(pings(true), {});
  CHECK(count(blocked, ">ping 2–10</text>") == 1);
  CHECK(count(blocked, "<circle cx=\"") - count(blocked, "<circle cx=\"3\"") == 2);  // all on one place
  CHECK(count(blocked, ">unread</text>") == 1);
}

TEST_CASE("turns under the GIL are bars of their own") {
  Report report = two_lanes();
  Lane& lane = report.arms[0].lanes[0];
  lane.segments.clear();
  for (int i = 0; i < 20; ++i) {
    const double from = 0.005 * i;
    lane.segments.push_back({from, from + 0.005, i % 2 == 0 ? LaneState::pool : LaneState::lock});
  }
  CHECK(count(to_svg(report, {}), "fill=\"url(#lock)\"") == 11);  // the legend's, too
}

namespace {

double luminance(const std::string& colour) {
  const auto part = [&](std::size_t at) {
    const double value = static_cast<double>(std::strtol(colour.substr(at, 2).c_str(), nullptr, 16)) / 255;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/// WCAG 2.1
double contrast(const std::string& a, const std::string& b) {
  const double one = luminance(a) + 0.05;
  const double other = luminance(b) + 0.05;
  return std::max(one, other) / std::min(one, other);
}

std::vector<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex each(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), each), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

}  // namespace

TEST_CASE("a slide is 16:9 with large text: the question, its answer, two arms, and the command") {
  Report report = samples::blocking_async();
  report.command = "lab run blocking-async";
  report.remarks.push_back({NoteKind::so, "After 1.003 s if they block, 100 ms if they await."});
  const std::string svg = to_svg(report, {.slide = true});
  CHECK(svg.find("viewBox=\"0 0 1920 1080\"") != std::string::npos);
  const std::vector<std::string> sizes = matches(svg, "([0-9]+)px");
  REQUIRE(sizes.size() >= 4);
  for (const std::string& size : sizes) CHECK(std::stoi(size) >= 24);
  const std::string words = std::regex_replace(svg, std::regex("<[^>]*>|\n"), " ");
  for (const char* part : {"Ten requests at once", "100 ms if they await.", "median makespan 1.003 s",
                           "lab run blocking-async", "blocking-loop", "async-loop", "bound"})
    CHECK(words.find(part) != std::string::npos);
  for (const std::string& y : matches(svg, " y=\"([0-9.]+)\"")) CHECK(std::stod(y) < 1080);
}

TEST_CASE("text on a slide can be read in both themes") {
  const Report report = samples::blocking_async();
  for (const bool dark : {false, true}) {
    const std::string svg = to_svg(report, {.slide = true, .dark = dark});
    const std::string paper = matches(svg, "height=\"100%\" fill=\"(#[0-9a-f]{6})\"").at(0);
    CHECK((luminance(paper) < 0.1) == dark);
    const std::vector<std::string> inks = matches(svg, "(?:text|time)\\{fill:(#[0-9a-f]{6})");
    REQUIRE(inks.size() == 2);
    for (const std::string& ink : inks) CHECK(contrast(ink, paper) >= 4.5);
  }
}

TEST_CASE("a slide holds up to four of the chosen arms, of one case, however many lanes they have") {
  Report report = samples::blocking_async();
  report.question = std::string(90, 'q') + " " + std::string(30, 'q');
  ArmReport many = report.arms[0];
  for (std::uint32_t id = 11; id < 100; ++id)
    many.lanes.push_back(samples::lane(id, 0.01 * id, {{0, 0.01 * id, LaneState::unread}}));
  report.arms = {many, many, many, many, many};
  report.arms.push_back(many);
  report.arms.back().case_id = "other";
  const std::string svg = to_svg(report, {.slide = true, .chosen = true});
  CHECK(count(svg, "class=\"arm\">blocking-loop (main): ") == 4);
  for (const std::string& y : matches(svg, " y=\"([0-9.]+)\"")) CHECK(std::stod(y) < 1080);
}

TEST_CASE("a report without lanes is still a picture") {
  const std::string svg = to_svg(Report{}, {});
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.ends_with("</svg>\n"));
}
