#include "results/report/sweep_report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cmath>

#include "lab/core/text.hpp"

using namespace lab;

namespace {

SweepCell cell(const std::string& arm, double measured, double predicted) {
  return {arm,
          "main",
          Estimate{measured, measured * 0.99, measured * 1.01, std::vector<double>(6, measured)},
          predicted,
          {}};
}

/// Workers 1, 2, 4 and d 100 and 200 ms on two arms.
SweepReport sample_sweep() {
  SweepReport report;
  report.scenario = "blocking-async";
  report.question = "Ten <requests> at once?";
  report.keys = {"workers", "d"};
  report.planned = 6;
  for (const auto& [name, workers] : {std::pair{"1", 1.0}, std::pair{"2", 2.0}, std::pair{"4", 4.0}}) {
    for (const auto& [delay, seconds] : {std::pair{"100ms", 0.1}, std::pair{"200ms", 0.2}}) {
      report.points.push_back({{name, delay},
                               "",
                               {cell("workers-4", 10 * seconds / workers * 1.01, 10 * seconds / workers),
                                cell("async-loop", seconds * 1.01, seconds)}});
    }
  }
  return report;
}

}  // namespace

TEST_CASE("the key with most values is the axis, the others make curves") {
  const SweepPlot plot = plot_of(sample_sweep());
  CHECK(plot.key == "workers");
  CHECK(plot.places == std::vector<std::string>{"1", "2", "4"});
  REQUIRE(plot.curves.size() == 4);
  CHECK(plot.curves[0].name == "workers-4, d=100ms");
  REQUIRE(plot.curves[0].marks.size() == 3);
  CHECK(plot.curves[0].marks[2].place == 2);
  CHECK(plot.curves[0].marks[2].predicted == 0.25);
}

TEST_CASE("values over more than a factor of fifteen stand on a logarithmic axis") {
  SweepPlot plot = plot_of(sample_sweep());
  CHECK(plot.logarithmic);
  CHECK(plot.height(plot.least) == 0);
  CHECK(plot.height(plot.most) == 1);
  CHECK(plot.height(std::sqrt(plot.least * plot.most)) == Approx(0.5));
  SweepReport narrow = sample_sweep();
  for (SweepPoint& point : narrow.points) point.cells.erase(point.cells.begin());
  plot = plot_of(narrow);
  CHECK_FALSE(plot.logarithmic);
  CHECK(plot.least == 0);
}

TEST_CASE("the text has every point's median, interval and prediction in 80 columns") {
  const std::string text = sweep_text(sample_sweep(), {80, false, false});
  for (const std::string& line : split(text, '\n')) CHECK(columns(line) <= 80);
  CHECK_THAT(text, Catch::Contains("1.010 s  1.000–1.020  1.000 s"));
  CHECK_THAT(text, Catch::Contains("4        200ms"));
  CHECK_THAT(text, Catch::Contains("A workers-4, d=100ms"));
  CHECK_THAT(text, Catch::Contains("· model"));
}

TEST_CASE("plain ASCII has no other byte") {
  const std::string text = sweep_text(sample_sweep(), {80, true, false});
  CHECK(std::all_of(text.begin(), text.end(),
                    [](char letter) { return static_cast<unsigned char>(letter) < 127; }));
}

TEST_CASE("arms that find no room stand in a table of their own below") {
  SweepReport report = sample_sweep();
  for (SweepPoint& point : report.points) {
    for (const char* name : {"thread-pool", "offload"}) point.cells.push_back(cell(name, 0.1, 0.1));
  }
  const std::string text = sweep_text(report, {80, false, false});
  std::size_t headings = 0;
  for (const std::string& line : split(text, '\n')) {
    CHECK(columns(line) <= 80);
    if (line.starts_with("workers  d ")) ++headings;
  }
  CHECK(headings == 2);
}

TEST_CASE("what could not be measured is a dash and a note") {
  SweepReport report = sample_sweep();
  report.points[0].cells[0].measured.reset();
  report.points[0].cells[0].note = "not run: it asks for 64 cores";
  const std::string text = sweep_text(report, {80, false, false});
  CHECK_THAT(text, Catch::Contains("–"));
  CHECK_THAT(text, Catch::Contains("NOTE  workers-4, 1 of 6 points: not run"));
}

TEST_CASE("a sweep that was interrupted says how far it came") {
  SweepReport report = sample_sweep();
  report.points.resize(2);
  report.complete = false;
  report.incomplete_reason = "interrupted";
  CHECK_THAT(sweep_text(report, {80, false, false}), Catch::Contains("2 of 6 points; interrupted"));
  report.points.clear();
  CHECK_THAT(sweep_text(report, {80, false, false}), Catch::Contains("0 of 6 points"));
}

TEST_CASE("JSON, CSV and Markdown have all points") {
  const SweepReport report = sample_sweep();
  const auto document = boost::json::parse(sweep_json(report)).as_object();
  CHECK(document.at("schema") == "lab.sweep/1");
  REQUIRE(document.at("points").as_array().size() == 6);
  CHECK(document.at("points").as_array()[1].at("settings").at("d") == "200ms");
  CHECK(document.at("points").as_array()[0].at("arms").as_array()[0].at("predicted") == 1.0);
  const std::vector<std::string> rows = split(sweep_csv(report), '\n');
  CHECK(rows.front() == "workers,d,arm,case,repetition,stat,value,unit,predicted,note");
  CHECK(rows.size() == 1 + 6 * 2 * 6 + 1);
  CHECK(rows[1] == "1,100ms,workers-4,main,1,makespan,1.01,s,1,");
  CHECK_THAT(sweep_markdown(report), Catch::Contains("| 4 | 200ms | 0.505 s (0.500–0.510); 0.500 s |"));
}

TEST_CASE("the picture has a mark for each value, and markup in words stays text") {
  const std::string svg = sweep_svg(sample_sweep());
  CHECK_THAT(
      svg, Catch::StartsWith("<svg") && Catch::Contains("&lt;requests&gt;") && Catch::Contains("workers-4"));
  std::size_t intervals = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1))
    ++intervals;
  CHECK(intervals == 4);  // three points and the legend's
}
