#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "lab/core/text.hpp"
#include "results/report/load_report.hpp"

using namespace lab;

namespace {

LoadReport sample() {
  LoadReport report;
  report.urls = {{"http://127.0.0.1:8000/a", 3}, {"http://127.0.0.1:8000/b", 1}};
  report.load = "evenly 100/s for 10 s";
  report.arrivals = "constant";
  report.span_s = 10;
  report.requests_per_second = 99.8;
  report.requested_rate = 100;
  report.latency_s = {998, 0.001, 0.002, 0.003, 0.004, std::nullopt, 1.5, {}};
  report.uncorrected_latency_s = report.lag_s = report.latency_s;
  report.books.planned = report.books.sent = 1000;
  report.books.ok = 998;
  report.books.errors["timeout"] = 2;
  report.statuses[200] = 998;
  report.distribution = {{0.002, 500}, {0.005, 497}, {2, 1}};
  report.thresholds = {{"p99<200ms", std::nullopt, "998 replies do not carry this percentile", false}};
  report.remarks = {{NoteKind::warn, "the generator fell behind"}};
  return report;
}

}  // namespace

TEST_CASE("a load's report fits 80 columns, and is ASCII where that is asked for") {
  const std::string text = load_text(sample(), {80, true, false});
  for (const std::string& line : split(text, '\n')) CHECK(columns(line) <= 80);
  CHECK(std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x7F; }));
  CHECK_THAT(text, Catch::Contains("3 of 4 GET http://127.0.0.1:8000/a"));
  CHECK_THAT(text, Catch::Contains("99.8 requests/s of 100.0 asked for, 998 answered in 10.000 s"));
  CHECK_THAT(text, Catch::Contains("planned 1,000 = sent 1,000 + unsent 0"));
  CHECK_THAT(text, Catch::Contains("ERROR timeout 2"));
  CHECK_THAT(text, Catch::Contains("MISS  p99<200ms: 998 replies"));
}

TEST_CASE("a load whose replies are mostly errors says so in its headline") {
  LoadReport report = sample();
  report.requested_rate.reset();
  report.requests_per_second = 156;
  report.latency_s.n = report.books.ok = 320;
  report.error_latency_s = {256'263, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.001, {}};
  report.books.errors = {{"status_503", 256'263}};
  report.books.not_sent = {{"refused", 40}};
  const std::string text = load_text(report, {80, true, false});
  CHECK_THAT(text, Catch::Contains("156.0 ok requests/s, 320 answered ok in 10.000 s\n"
                                   "256,263 of 256,583 replies were 503\n"));
  CHECK_THAT(text, Catch::Contains("\nof errors   "));
  CHECK_THAT(text, Catch::Contains("ERROR status_503 256,263, not sent: refused 40"));
  CHECK_THAT(load_markdown(report), Catch::Contains("256263 replies were 503") &&
                                        Catch::Contains("| error latency |") &&
                                        Catch::Contains("| not sent: refused | 40 |"));
  CHECK_THAT(load_csv(report), Catch::Contains("not_sent,refused,40,"));
  const auto document = boost::json::parse(load_json(report)).as_object();
  CHECK(document.at("error_latency_s").at("n") == 256'263);
  CHECK(document.at("books").at("not_sent").at("refused") == 40);
  report.books.errors["status_500"] = 1;
  CHECK_THAT(load_text(report, {80, true, false}), Catch::Contains("replies were errors\n"));
}

TEST_CASE("a closed connection is reported with where it was closed") {
  LoadReport report = sample();
  report.books.errors = {{"closed", 6}};
  report.closed.before_reply = 1;
  report.closed.in_reply = 2;
  report.closed.after_reply = 3;
  CHECK_THAT(load_text(report, {120, true, false}),
             Catch::Contains("closed 6 (1 before a reply, 2 in a reply, 3 behind the previous reply)"));
}

TEST_CASE("a narrow terminal gets a line per statistic") {
  const std::string text = load_text(sample(), {60, true, false});
  for (const std::string& line : split(text, '\n')) CHECK(columns(line) <= 60);
  CHECK_THAT(text, Catch::Contains("            latency uncorrected         lag\n"));
  CHECK_THAT(text, Catch::Contains("p99               -           -           -\n"));
  CHECK_THAT(text, Catch::Contains("max         1.500 s     1.500 s     1.500 s\n"));
}

TEST_CASE("few replies are shown one by one instead of as bars") {
  LoadReport report = sample();
  report.latency_s.all = {0.1, 0.201, 1.5};
  const std::string text = load_text(report, {80, true, false});
  CHECK_THAT(text, Catch::Contains("ALL   0.100 0.201 1.500 s\n"));
  CHECK_THAT(text, !Catch::Contains("below"));
  const auto document = boost::json::parse(load_json(report)).as_object();
  CHECK(document.at("latency_s").at("all").as_array().size() == 3);
}

TEST_CASE("no label runs into its bar") {
  LoadReport report = sample();
  report.distribution = {{1.00255e-3, 3}, {1.00257e-3, 4}};
  CHECK_THAT(load_text(report, {80, true, false}), Catch::Contains("below 1.00257 ms  #"));
}

TEST_CASE("CSV and Markdown report completeness, thresholds and remarks") {
  LoadReport report = sample();
  report.complete = false;
  report.incomplete_reason = "interrupted";
  report.remarks[0].text = "one, two | three";
  const std::string csv = load_csv(report);
  CHECK_THAT(csv, Catch::Contains("complete,,false,\n"));
  CHECK_THAT(csv, Catch::Contains("threshold,p99<200ms,MISS,\n"));
  CHECK_THAT(csv, Catch::Contains("remark,WARN,\"one, two | three\",\n"));
  const std::string markdown = load_markdown(report);
  CHECK_THAT(markdown, Catch::Contains("998 replies do not carry this percentile | MISS |"));
  CHECK_THAT(markdown, Catch::Contains("| WARN | one, two "));
}

TEST_CASE("what the program read cannot rewrite the terminal") {
  LoadReport report = sample();
  report.urls[0].url = "http://x/\x1b[2J";
  report.remarks[0].text = "evil \x1b]0;title\a";
  CHECK(load_text(report, {}).find('\x1b') == std::string::npos);
}

TEST_CASE("a percentile that n does not carry is null in JSON and empty in CSV") {
  const auto document = boost::json::parse(load_json(sample())).as_object();
  CHECK(document.at("schema") == "lab.load/1");
  CHECK(document.at("latency_s").at("p99").is_null());
  CHECK(document.at("latency_s").at("p95") == 0.004);
  CHECK(document.at("books").at("errors").at("timeout") == 2);
  CHECK_THAT(load_csv(sample()), Catch::Contains("latency,p99,,s\n"));
  CHECK_THAT(load_markdown(sample()),
             Catch::Contains("| latency | 1.00 ms | 2.00 ms | 3.00 ms | 4.00 ms | – | 1.500 s |"));
}
