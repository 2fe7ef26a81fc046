#include "results/report/exports.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "results/render/html.hpp"
#include "results/render/trace.hpp"
#include "results/report/testing/samples.hpp"

using namespace lab;
namespace json = boost::json;

namespace {

std::vector<std::string> rows_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

RequestRecord request(std::uint32_t id, Nanos began, Outcome outcome = Outcome::ok) {
  RequestRecord record;
  record.id = id;
  record.worker = 0;
  record.intended = began;
  record.sent = began + 1'000;
  record.read = began + 3'000;
  record.started = began + 3'000;
  record.finished = began + 100'000;
  record.received = began + 100'001;
  record.status = outcome == Outcome::ok ? 200 : 0;
  record.outcome = outcome;
  return record;
}

Run small_run() {
  Run run;
  run.header.started_utc = "1970-01-02T00:00:00Z";
  RunRepetition repetition;
  repetition.arm = "say \"hi\", twice";
  repetition.case_id = "main";
  repetition.engine = "native";
  repetition.number = 1;
  repetition.began = 5'000'000;
  repetition.records = {request(1, 5'000'000), request(2, 5'000'500, Outcome::reset)};
  repetition.records.push_back({});  // planned, never sent
  run.repetitions.push_back(repetition);
  return run;
}

json::array events_of(const TraceInput& input) {
  return json::parse(to_trace(input)).at("traceEvents").as_array();
}

json::array with_phase(const json::array& events, std::string_view phase) {
  json::array found;
  for (const json::value& event : events) {
    if (event.at("ph").as_string() == phase) found.push_back(event);
  }
  return found;
}

}  // namespace

TEST_CASE(
    "A request in the trace holds its parts, microseconds from the load's start, exact to the nanosecond") {
  const Run run = small_run();
  const json::array events =
      events_of({"demo", {"GET /x"}, {{"arm, repetition 1", {}, {}, &run.repetitions[0]}}});
  const json::array begun = with_phase(events, "b");
  REQUIRE(begun.size() == 2 * 5);  // the request, lag, unread, service, reply; it was never runnable
  CHECK(begun[0].at("name").as_string() == "GET /x");
  CHECK(begun[0].at("ts").to_number<double>() == 0);
  CHECK(begun[1].at("name").as_string() == "lag");
  CHECK(begun[3].at("name").as_string() == "service");
  CHECK(begun[5].at("ts").to_number<double>() == 0.5);
  CHECK(begun[5].at("args").at("outcome").as_string() == "reset");
  const json::array ended = with_phase(events, "e");
  REQUIRE(ended.size() == begun.size());
  CHECK(ended[4].at("name").as_string() == "GET /x");
  CHECK(ended[4].at("ts").to_number<double>() == 100.001);
}

TEST_CASE("What was held before the load began is drawn from its start on") {
  const Run run = small_run();
  const TraceProcess process{
      "arm",
      {"worker 0 loop"},
      {{0, "early", "loop", 0, 1'000'000, 4'000'000}, {0, "across", "loop", 7, 4'000'000, 5'002'000}},
      &run.repetitions[0]};
  const json::array slices = with_phase(events_of({"demo", {"GET /x"}, {process}}), "X");
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].at("name").as_string() == "across");
  CHECK(slices[0].at("ts").to_number<double>() == 0);
  CHECK(slices[0].at("dur").to_number<double>() == 2);
  CHECK(slices[0].at("args").at("request").to_number<int>() == 7);
}

TEST_CASE("vegeta's lines count from the intended time and leave out what was never sent") {
  const std::vector<std::string> lines =
      rows_of(to_vegeta(small_run(), {{"POST", "http://127.0.0.1/x"}}, {{"main", {42}}}).value());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "86400000000000,200,100001,42,0,,,\"say \"\"hi\"\", twice\",0,POST,http://127.0.0.1/x,");
  CHECK(lines[1] ==
        "86400000000500,0,100001,42,0,reset,,\"say \"\"hi\"\", twice\",1,POST,http://127.0.0.1/x,");
}

TEST_CASE("formats say what they miss instead of writing nothing") {
  CHECK(to_vegeta(Run{}, {}, {}).error().message.find("none was") != std::string::npos);
  CHECK(to_gbench(Report{}, Run{}).error().message.find("no arm of this run") != std::string::npos);
}

TEST_CASE("Google Benchmark's aggregates are those of the repetitions") {
  Report report;
  ArmReport arm;
  arm.arm = "a";
  arm.case_id = "main";
  arm.makespan_s = Estimate{0.2, {}, {}, {0.1, 0.2, 0.6}};
  report.arms.push_back(arm);
  const json::value document = json::parse(to_gbench(report, Run{}).value());
  const json::array& lines = document.at("benchmarks").as_array();
  REQUIRE(lines.size() == 3 + 4);
  CHECK(lines[0].at("run_type").as_string() == "iteration");
  CHECK(lines[2].at("real_time").to_number<double>() == Approx(600));
  CHECK(lines[3].at("name").as_string() == "a_mean");
  CHECK(lines[3].at("real_time").to_number<double>() == Approx(300));
  CHECK(lines[4].at("real_time").to_number<double>() == Approx(200));
  CHECK(lines[5].at("real_time").to_number<double>() == Approx(264.575131));
  CHECK(lines[6].at("aggregate_unit").as_string() == "percentage");
}

TEST_CASE("the page shows the table, marks verdicts and takes text as text") {
  Report report = samples::blocking_async();
  report.question = "<script>alert(1)</script>";
  report.remarks = {{NoteKind::note, "a & b"}};
  const std::string page = to_html({report});
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(page.find("<span class=\"impossible\">impossible</span>") != std::string::npos);
  CHECK(page.find("a &amp; b") != std::string::npos);
}
