#include "results/report/diagnosis.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "results/report/format.hpp"

using namespace lab;
namespace json = boost::json;

namespace {

/// What a probe saw of a loop that sleeps in `rows()`, below `folder`.
DiagnosisReport blocked(const std::string& folder) {
  DiagnosisReport report;
  report.url = "http://127.0.0.1:8000/report";
  report.verdict.execution = Execution::serial;
  report.verdict.parallelism = 1;
  report.verdict.service_s = 0.05;
  report.verdict.loop_blocked = true;
  for (int i = 1; i <= 40; ++i) report.seen.pings.push_back({.at_once = 4, .latency = i * kMillisecond});
  InsideReport& inside = report.inside.emplace();
  inside.folder = folder;
  inside.blocked_s = 0.049;
  LineReport& line = inside.lines.emplace_back();
  line.id = "LAB101";
  line.title = "event loop blocked";
  line.line.place = {"/srv/my app/main.py", 10, "rows"};
  line.line.source = "time.sleep(0.05)";
  line.line.called_from = {{"/srv/my app/main.py", 16, "report"}};
  line.fixes = {{"await it", 0.05, "change-library", "lab advise --work block"}};
  return report;
}

json::object sarif_run(const DiagnosisReport& report) {
  const std::vector<Report> none;
  const auto text = write_reports("sarif", {.reports = none, .diagnosis = &report});
  const json::object document = json::parse(text.value()).as_object();
  CHECK(document.at("version") == "2.1.0");
  return document.at("runs").at(0).as_object();
}

ThresholdRow judged(const std::string& text, const DiagnosisReport& report) {
  return judge(parse_threshold(text, kDiagnosisThresholds).value(), report);
}

}  // namespace

TEST_CASE("SARIF has a result for each line, at its place below the server's folder") {
  const json::object run = sarif_run(blocked("/srv/my app"));
  CHECK(run.at("originalUriBaseIds").at("%SRCROOT%").at("uri") == "file:///srv/my%20app/");
  const json::object& rule = run.at("tool").at("driver").at("rules").at(0).as_object();
  CHECK(rule.at("id") == "LAB101");
  CHECK(rule.at("help").at("text").as_string().find("lab explain LAB101") != json::string::npos);
  const json::object& result = run.at("results").at(0).as_object();
  CHECK(result.at("ruleId") == "LAB101");
  CHECK(result.at("level") == "warning");
  CHECK(result.at("message").at("text").as_string().find("Fix: await it.") != json::string::npos);
  const json::object& place = result.at("locations").at(0).at("physicalLocation").as_object();
  CHECK(place.at("artifactLocation").at("uri") == "main.py");
  CHECK(place.at("artifactLocation").at("uriBaseId") == "%SRCROOT%");
  CHECK(place.at("region").at("startLine") == 10);
  CHECK(place.at("region").at("snippet").at("text") == "time.sleep(0.05)");
  const json::object& caller = result.at("relatedLocations").at(0).as_object();
  CHECK(caller.at("physicalLocation").at("region").at("startLine") == 16);
  CHECK(caller.at("message").at("text") == "called from report()");
}

TEST_CASE("SARIF names a file elsewhere as a whole, and nothing where no line is known") {
  const auto place = [](const json::object& run) {
    return run.at("results").at(0).at("locations").at(0).at("physicalLocation").at("artifactLocation");
  };
  CHECK(place(sarif_run(blocked("/srv/my"))).at("uri") == "file:///srv/my%20app/main.py");
  CHECK(place(sarif_run(blocked(""))).at("uri") == "file:///srv/my%20app/main.py");
  DiagnosisReport outside = blocked("");
  outside.inside.reset();
  CHECK(sarif_run(outside).at("results").as_array().empty());
}

TEST_CASE("a threshold of a diagnosis compares what it names") {
  const DiagnosisReport report = blocked("/srv");
  for (const char* held :
       {"ping.max<=40ms", "ping.p90<37ms", "ping.median<21ms", "blocked<51ms", "parallelism<2"})
    CHECK(judged(held, report).passed);
  for (const char* missed : {"ping.max<40ms", "ping.p90<36ms", "blocked<50ms", "parallelism>1"})
    CHECK_FALSE(judged(missed, report).passed);
  CHECK(judged("blocked<5ms", report).measured == "50 ms of each request");
  CHECK(judged("ping.p99<1s", report).measured == "40 pings are too few for this percentile; it needs 299");
}

TEST_CASE("a loop is blocked as long as its probe or the cheap route says, whichever saw more") {
  DiagnosisReport report = blocked("/srv");
  report.verdict.service_s = 0.02;
  CHECK(judged("blocked<50ms", report).value == 0.049);
  report.verdict.loop_blocked.reset();
  CHECK(judged("blocked<50ms", report).value == 0.049);
  report.inside.reset();
  CHECK_FALSE(judged("blocked<50ms", report).value.has_value());
  report.verdict.loop_blocked = true;
  CHECK(judged("blocked<50ms", report).value == 0.02);
  report.verdict.serial_part_s = 0.01;
  CHECK(judged("blocked<50ms", report).value == 0.01);
  report.verdict.loop_blocked = false;
  CHECK(judged("blocked<1ms", report).value == 0);
}

TEST_CASE("what was not seen passes no threshold") {
  DiagnosisReport report;
  report.verdict.reason = "too slow for the budget";
  CHECK(judged("parallelism>1", report).measured == "unknown: too slow for the budget");
  CHECK(judged("blocked<1s", report).measured == "not known whether a loop is blocked");
  CHECK(judged("ping.max<1s", report).measured == "no ping was answered beside slow requests");
  for (const char* text : {"parallelism>1", "parallelism<9", "blocked<1s", "ping.max<1s"})
    CHECK_FALSE(judged(text, report).passed);
}

TEST_CASE("a threshold that only a load has is refused with what there is") {
  for (const char* text : {"p99<1s", "rps>5", "errors<1%", "uncorrected.p99<1s", "ping.blocked<1s"}) {
    const auto threshold = parse_threshold(text, kDiagnosisThresholds);
    REQUIRE(threshold.has_error());
    CHECK_THAT(threshold.error().message, Catch::Contains("unknown measure") && Catch::Contains("blocked"));
  }
  CHECK_THAT(parse_threshold("parallelism>5%", kDiagnosisThresholds).error().message,
             Catch::Contains("not a share"));
}
