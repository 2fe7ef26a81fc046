#include "results/report/log_report.hpp"

#include <catch2/catch.hpp>

#include "lab/core/text.hpp"

using namespace lab;

namespace {

constexpr std::size_t kSixRuns = 6;

/// `10 seconds × 0.1` of a blocked loop in C++, of which FastAPI was kept from a core.
struct Rows {
  LogRow ten, light;

  Rows() {
    ten.document = "D2";
    ten.place = "part 5";
    ten.written = "10 requests, time.sleep(1)";
    ten.model = "sequential";
    ten.claimed = "10 seconds";
    ten.value = 10;
    ten.measure = {"ten-by-one-second", "", "blocking-loop", "main", Stat{}};
    light = ten;
    light.model.clear();
    light.claimed = "<50ms";
    light.value = 0.05;
    light.relation = Relation::below;
    light.measure.scenario = "cpu-threshold";
  }
};

LogReport report_of(const Rows& rows, Verdict fastapi) {
  const Estimate ours = summarise(std::vector<double>(kSixRuns, 1.001));
  const Estimate theirs = summarise({1.002, 1.002, 1.003, 1.003, 1.004, 1.005});
  LogReport report{{{"D2", "A guide", "a log"}}, {"native", "fastapi"}, {}, true, true, 1};
  report.lines.push_back({&rows.ten,
                          0.1,
                          1.0,
                          {{"native", ours, false, "", "", Verdict::reproduced},
                           {"fastapi", theirs, false, "", "others took 50 % of the cores", fastapi}}});
  report.lines.push_back({&rows.light, 1, std::nullopt, {{"native", ours, false, "", "", Verdict::slower}}});
  return report;
}

}  // namespace

TEST_CASE("a row of the log: the claim as it stands there, what it was multiplied by, and six runs' range") {
  const Rows rows;
  const std::string text = log_text(report_of(rows, Verdict::reproduced), {});
  INFO(text);
  CHECK(text.find("10 seconds  1.000 s     1.001 s     1.003 s  agrees\n") != std::string::npos);
  CHECK(text.find("     × 0.1          1.001–1.001 1.002–1.005\n") != std::string::npos);
  CHECK(text.find("\n  Execution Model: sequential\n") != std::string::npos);
  CHECK(text.find("<50ms        –     1.001 s") != std::string::npos);
  CHECK(text.find("NOTE  other programs used the cores during ") != std::string::npos);
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    CHECK(columns(text.substr(begin, end - begin)) <= 80);
}

TEST_CASE("where busy cores may have made the figure, they take the verdict's place") {
  const Rows rows;
  CHECK(log_text(report_of(rows, Verdict::impossible), {}).find("impossible\n") != std::string::npos);
  CHECK(log_text(report_of(rows, Verdict::faster), {}).find("  disturbed\n") != std::string::npos);
  CHECK(log_text(report_of(rows, Verdict::slower), {}).find("  disturbed\n") != std::string::npos);
}

TEST_CASE("the log as CSV has a row for each timing and engine, as Markdown one for each timing") {
  const Rows rows;
  const LogReport report = report_of(rows, Verdict::reproduced);
  CHECK(log_csv(report).find(
            "\nD2,part 5,\"10 requests, time.sleep(1)\",sequential,10 seconds,10,0.1,1,native,") !=
        std::string::npos);
  CHECK(log_markdown(report).find("| sequential | 10 seconds × 0.1 | 1.000 s | 1.001 s (1.001–1.001) |") !=
        std::string::npos);
  CHECK(log_json(report).find("\"relation\":\"below\"") != std::string::npos);
}
