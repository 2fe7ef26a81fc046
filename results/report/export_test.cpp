#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "lab/core/text.hpp"
#include "results/report/format.hpp"
#include "results/report/testing/samples.hpp"

using namespace lab;
namespace json = boost::json;

namespace {

std::string written(const char* format, const Report& report, const Run* run = nullptr,
                    const Scenario* scenario = nullptr) {
  const std::vector<Report> reports{report};
  return write_reports(format, {reports, {}, run, scenario}).value();
}

json::object parsed(const Report& report) {
  const std::string text = written("json", report);
  REQUIRE(text.back() == '\n');
  REQUIRE(text.find('\n') == text.size() - 1);
  return json::parse(text).as_object();
}

std::vector<std::string> rows(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  lines.pop_back();
  return lines;
}

}  // namespace

TEST_CASE("JSON has the contract's members with their types") {
  const json::object document = parsed(samples::blocking_async());
  CHECK(document.at("schema") == "lab.run/1");
  CHECK(document.at("scenario") == "blocking-async");
  CHECK(document.at("complete") == true);
  CHECK(document.at("seed") == 42);
  CHECK(document.at("path") == "results/runs/2026-11-21T09-30-00Z-blocking-async");
  CHECK(document.at("environment").at("cores") == 2);
  CHECK(document.at("environment").at("kernel") == "6.1.0");
  CHECK(document.at("environment").at("noise") == "quiet");
  REQUIRE(document.at("arms").as_array().size() == 5);
  const json::object& arm = document.at("arms").as_array()[0].as_object();
  CHECK(arm.at("arm") == "blocking-loop");
  CHECK(arm.at("case") == "main");
  CHECK(arm.at("label") == "async, time.sleep");
  CHECK(arm.at("engine") == "native");
  CHECK(arm.at("workers") == 1);
  CHECK(arm.at("threads").is_null());
  CHECK(arm.at("requests") == 10);
  CHECK(arm.at("repetitions") == 6);
  CHECK(arm.at("bound_s").as_double() == 1.0);
  CHECK(arm.at("predicted_s").as_double() == 1.0);
  CHECK(arm.at("documented_s").as_double() == 1.1);
  CHECK(arm.at("makespan_s").at("median").as_double() == 1.003);
  CHECK(arm.at("makespan_s").at("low").as_double() == 1.002);
  CHECK(arm.at("makespan_s").at("all").as_array().size() == 6);
  CHECK(arm.at("books").at("planned") == 60);
  CHECK(arm.at("books").at("errors").is_object());
  CHECK(arm.at("verdict") == "reproduced");
  CHECK(arm.at("findings").as_array()[0].at("id") == "LAB101");
  const json::object& measure = arm.at("measures").as_array()[0].as_object();
  CHECK(measure.at("stat") == "makespan");
  CHECK(measure.at("documented").as_double() == 1.1);
  CHECK(document.at("arms").as_array()[4].at("splits") == json::parse("[[3,3,2,2],[2,3,3,2]]"));
  CHECK(document.at("arms").as_array()[3].at("documented_s").is_null());
  CHECK(document.at("arms").as_array()[3].at("threads") == 40);
}

TEST_CASE("JSON has null for intervals that too few repetitions cannot carry") {
  const json::object document = parsed(samples::frozen());
  const json::value& makespan = document.at("arms").as_array()[0].at("makespan_s");
  CHECK(makespan.at("low").is_null());
  CHECK(makespan.at("high").is_null());
  CHECK(document.at("path").is_null());
}

TEST_CASE("JSON keeps its shape for an arm that was not run") {
  const json::object document = parsed(samples::frozen());
  const json::value& arm = document.at("arms").as_array()[2];
  CHECK(arm.at("not_run") == "python3-fastapi is not installed");
  CHECK(arm.at("makespan_s").at("median").is_null());
  CHECK(arm.at("makespan_s").at("all").as_array().empty());
  CHECK(arm.at("latency_s").at("max").is_null());
}

TEST_CASE("JSON gives the model's makespan where the model is the engine") {
  Report report = samples::prediction();
  report.arms[0].makespan_s.reset();
  report.arms[0].predicted_s = 7;
  const json::object document = parsed(report);
  CHECK(document.at("arms").as_array()[0].at("makespan_s").at("median").as_double() == 7.0);
}

TEST_CASE("JSON is valid whatever the strings and figures hold") {
  Report report = samples::blocking_async();
  report.question = "\xff\"\\\n\x01";
  report.arms[0].bound_s = std::numeric_limits<double>::infinity();
  report.arms[0].makespan_s->median = 1e-300;
  report.seed = 18'446'744'073'709'551'615U;
  report.arms[0].books.errors["status_\x80"] = 3;
  const json::object document = parsed(report);
  CHECK(document.at("question") == "\xef\xbf\xbd\"\\\n\x01");
  CHECK(document.at("arms").as_array()[0].at("bound_s").is_null());
  CHECK(document.at("arms").as_array()[0].at("makespan_s").at("median").as_double() == 1e-300);
  CHECK(document.at("seed").as_uint64() == 18'446'744'073'709'551'615U);
}

TEST_CASE("JSON says why a run is not complete and what the checks found") {
  Report report = samples::frozen();
  report.complete = false;
  report.incomplete_reason = "interrupted";
  const json::object document = parsed(report);
  CHECK(document.at("complete") == false);
  CHECK(document.at("complete_reason") == "interrupted");
  CHECK(document.at("checks").as_array()[1].at("passed") == false);
}

TEST_CASE("CSV has one row per arm, case, repetition and stat") {
  const std::vector<std::string> lines = rows(written("csv", samples::frozen()));
  REQUIRE(lines.size() == 1 + 4 + 4 + 2 + 3);
  CHECK(lines[0] ==
        "arm,case,engine,repetition,stat,value,unit,mode,workers,threads,requests,bound,predicted,documented,"
        "verdict,"
        "label");
  CHECK(lines[1] ==
        "blocking,main,native,1,makespan,5.001,s,blocking,1,,10,5,5,,none,\"async def, time.sleep\"");
  CHECK(lines[4] ==
        "blocking,main,native,2,ping.latency.max,4.953,s,blocking,1,,10,,4.95,5,reproduced,\"async def, "
        "time.sleep\"");
  CHECK(lines[9] == "fastapi,main,native,,makespan,,s,,1,,0,,5,,none,");
}

TEST_CASE("CSV quotes as RFC 4180 says and disarms formulas but not numbers") {
  Report report;
  const auto label = [&report](const std::string& text) {
    ArmReport arm = samples::arm("a", text, 1, {1, {}, {}, {-1}});
    report.arms.push_back(arm);
  };
  label("say \"hi\", twice");
  label("=HYPERLINK(1)");
  label("+1+cmd");
  label("@sum");
  label(" -2+3");
  label("-5.5");
  label("two\nlines");
  const std::string text = written("csv", report);
  CHECK(text.find(",\"say \"\"hi\"\", twice\"\n") != std::string::npos);
  CHECK(text.find(",'=HYPERLINK(1)\n") != std::string::npos);
  CHECK(text.find(",'+1+cmd\n") != std::string::npos);
  CHECK(text.find(",'@sum\n") != std::string::npos);
  CHECK(text.find(",' -2+3\n") != std::string::npos);
  CHECK(text.find(",-5.5\n") != std::string::npos);
  CHECK(text.find(",\"two\nlines\"\n") != std::string::npos);
  CHECK(text.find(",makespan,-1,s,") != std::string::npos);
}

TEST_CASE("Markdown has the same columns as the text") {
  const std::vector<std::string> lines = rows(written("md", samples::blocking_async()));
  REQUIRE(lines.size() == 2 + 2 + 5 + 1 + 3);
  CHECK(lines[0] == "Ten requests at once, each waits 100 ms. When is the last one answered?");
  CHECK(lines[2] == "| arm | in FastAPI | measured | min–max (6) | bound | claimed |");
  CHECK(lines[3] == "| --- | --- | ---: | --- | ---: | --- |");
  CHECK(lines[8] == "| workers-4 | blocking-loop × 4 | 0.302 s | 0.301–0.304 | 0.300 | – |");
}

TEST_CASE("Where an arm has several workers, the requests of each are a table") {
  Report report = samples::blocking_async();
  const std::vector<std::string> lines = rows(written("md", report));
  CHECK(lines[10] == "| requests by worker, first run | 1 | 2 | 3 | 4 | busiest (2) |");
  CHECK(lines[12] == "| workers-4 | 3 | 3 | 2 | 2 | 3 |");
  CHECK(written("html", report).find(">busiest (2)</th>") != std::string::npos);
  report.arms[4].splits = {{9, 1, 0, 0}, {7, 1, 1, 1}};
  report.arms[0].workers = 2;
  report.arms[0].splits = {{6, 4}};
  report.arms[1].workers = 9;
  report.arms[1].splits = {{2, 1, 1, 1, 1, 1, 1, 1, 1}};
  const std::vector<std::string> more = rows(written("md", report));
  CHECK(more[12] == "| blocking-loop | 6 | 4 |  |  | 6 |");
  CHECK(more[13] == "| async-loop | 9 workers, 1–2 each |  |  |  |  |");
  CHECK(more[14] == "| workers-4 | 9 | 1 | 0 | 0 | 7–9 |");
}

TEST_CASE("Markdown cells are text, never markup") {
  Report report = samples::blocking_async();
  report.arms[0].label = "a|b <img src=x> `c`";
  const std::string text = written("md", report);
  CHECK(text.find("a\\|b \\<img src=x\\> \\`c\\`") != std::string::npos);
}

TEST_CASE("Markdown of a prediction names its columns") {
  const std::vector<std::string> lines = rows(written("md", samples::prediction()));
  REQUIRE(lines.size() == 2 + 2 + 4 + 2);
  CHECK(lines[2] == "| arm | predicted | formula | note |");
  CHECK(lines[6] == "| thread-pool | 41 min 40 s | ⌈N/P⌉·d | P = 40 |");
  CHECK(lines.back().starts_with("N = requests, "));
}

TEST_CASE("Markdown says why an arm was not run") {
  const std::string text = written("md", samples::frozen());
  CHECK(text.find("| fastapi | makespan | not run: python3-fastapi is not installed |  |  |\n") !=
        std::string::npos);
}
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

json::array events_of(Run run, Events events) {
  Scenario scenario;
  scenario.name = "demo";
  scenario.routes.emplace_back();
  scenario.routes[0].method = "GET";
  scenario.routes[0].path = "/x";
  run.repetitions[0].events = std::move(events);
  return json::parse(written("trace", Report{}, &run, &scenario)).at("traceEvents").as_array();
}

Event of_pool(Nanos at, EventKind kind, std::uint32_t request) {
  return {at, 0, request, 0, 0, kind, Resource::pool};
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
  const json::array events = events_of(small_run(), {of_pool(1, EventKind::accepted, 0)});
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
  const json::array events = events_of(
      small_run(), {of_pool(1'000'000, EventKind::acquire, 6), of_pool(4'000'000, EventKind::release, 6),
                    of_pool(4'000'000, EventKind::acquire, 7), of_pool(5'002'000, EventKind::release, 7)});
  const json::array slices = with_phase(events, "X");
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].at("name").as_string() == "request 7");
  CHECK(slices[0].at("ts").to_number<double>() == 0);
  CHECK(slices[0].at("dur").to_number<double>() == 2);
  CHECK(slices[0].at("args").at("request").to_number<int>() == 7);
}

TEST_CASE("vegeta's lines count from the intended time and leave out what was never sent") {
  const Run run = small_run();
  Scenario scenario;
  scenario.routes.resize(1);
  scenario.routes[0].method = "POST";
  scenario.routes[0].path = "/x";
  scenario.cases.push_back({"main", {Load{}}, {}});
  scenario.cases[0].loads[0].body_bytes = 42;
  const std::vector<std::string> lines = rows_of(written("vegeta", {}, &run, &scenario));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "86400000000000,200,100001,42,0,,,\"say \"\"hi\"\", twice\",0,POST,http://127.0.0.1/x,");
  CHECK(lines[1] ==
        "86400000000500,0,100001,42,0,reset,,\"say \"\"hi\"\", twice\",1,POST,http://127.0.0.1/x,");
}

TEST_CASE("formats say what they miss instead of writing nothing") {
  const std::vector<Report> reports(1);
  const Run run;
  const Scenario scenario;
  const FormatInput input{reports, {}, &run, &scenario};
  CHECK(write_reports("vegeta", input).error().message.find("none was") != std::string::npos);
  CHECK(write_reports("gbench", input).error().message.find("no arm of this run") != std::string::npos);
}

TEST_CASE("Google Benchmark's aggregates are those of the repetitions") {
  Report report;
  ArmReport arm;
  arm.arm = "a";
  arm.case_id = "main";
  arm.makespan_s = Estimate{0.2, {}, {}, {0.1, 0.2, 0.6}};
  report.arms.push_back(arm);
  const Run run;
  const json::value document = json::parse(written("gbench", report, &run));
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

TEST_CASE("the page without a script shows the table, marks verdicts and takes text as text") {
  Report report = samples::blocking_async();
  report.question = "<script>alert(1)</script>";
  report.remarks = {{NoteKind::note, "a & b"}};
  const std::string page = written("html", report);
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(page.find("<td class=\"impossible\">") != std::string::npos);
  CHECK(page.find("a &amp; b") != std::string::npos);
}
