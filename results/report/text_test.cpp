#include <algorithm>
#include <catch2/catch.hpp>

#include "lab/core/text.hpp"
#include "results/report/format.hpp"
#include "results/report/testing/samples.hpp"

using namespace lab;

namespace {

TextStyle style(int width, bool ascii = false, bool color = false) {
  return {width, ascii, color};
}

TextStyle details(int width) {
  return {width, false, false, true};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Of samples::blocking_async() on 80 columns.
const std::string kTableAndLanes = R"(Ten requests at once, each waits 100 ms. When is the last one answered?

arm            in FastAPI         measured  min–max (6)  bound  claimed
blocking-loop  async, time.sleep   1.003 s  1.002–1.004  1.000  ~1.1  agrees
async-loop     await sleep         0.100 s  0.100–0.101  0.100  ~0.03 impossible
thread-pool    def, time.sleep     0.101 s  0.100–0.101  0.100  ~0.12 agrees
offload        run_in_threadpool   0.101 s  0.100–0.101  0.100  –
workers-4      blocking-loop × 4   0.302 s  0.301–0.304  0.300  –

blocking-loop   · unread   █ holds the loop   ░ waits, loop free   │ bound
   1 ████                                    │ 0.10 s
   2 ····████                                │ 0.20
   ⋮
  10 ····································████│ 1.00
async-loop, same scale
1–10 ░░░░│                                     0.10 s, all ten

)";

std::vector<Report> all_samples() {
  return {samples::blocking_async(), samples::frozen(), samples::prediction()};
}

}  // namespace

TEST_CASE(
    "A run of five arms is shown in table, lanes and the next step, and its last line names what is left") {
  CHECK(to_text(samples::blocking_async(), style(80)) ==
        kTableAndLanes + R"(NEXT  lab run pool-limit    (what does request 41 pay?)
MORE  --details adds WHY, LOG, NOTE
)");
}

TEST_CASE("Details are the requests of each worker and remarks, on 80 columns") {
  CHECK(to_text(samples::blocking_async(), details(80)) ==
        kTableAndLanes + R"(requests by worker, first run  1  2  3  4  busiest (2)
workers-4                      3  3  2  2            3

WHY   LAB101 loop blocked: nine requests queued 4.5 s in all behind a sleeping
      loop. Above the bound: 3 ms (writing 1.9, loop 0.8, sending 0.3).
LOG   0.03 s is below one request's wait. A forgotten await gives it:
      lab run forgotten-await
NOTE  workers-4 was dealt 3-3-2-2; uvicorn's accept takes 0.3–1.0 s:
      lab run worker-identity
NEXT  lab run pool-limit    (what does request 41 pay?)
)");
}

TEST_CASE("A prediction says that nothing was run, and spells long times, formulas and memory") {
  CHECK(to_text(samples::prediction(), style(80)) ==
        R"(When is the last one answered?
virtual time: nothing was run
blocking-loop  27 h 46 min  N·d
async-loop     0.100 s      d        8 GB of connections
thread-pool    41 min 40 s  ⌈N/P⌉·d  P = 40
workers-4      6 h 56 min   ⌈N/W⌉·d  if dealt evenly
N = requests, d = one wait, P = threads of a pool, W = workers
)");
}

TEST_CASE("A prediction that chance decides goes from when to when") {
  Report report = samples::prediction();
  report.arms[1].predicted_low_s = 0.1;
  report.arms[1].predicted_high_s = 0.25;
  CHECK(has(to_text(report, style(80)), "async-loop     0.100 s – 0.250 s  d"));
}

TEST_CASE("A prediction in ASCII multiplies with a star and rounds with ceil") {
  CHECK(has(to_text(samples::prediction(), style(80, true)),
            "thread-pool    41 min 40 s  ceil(N/P)*d  P = 40\n"));
}

TEST_CASE("Several stats have a row each, and arms that were not measured say so") {
  CHECK(to_text(samples::frozen(), details(80)) ==
        R"(One report sleeps 5 s. What do other users notice?

arm               stat                 measured, n = 2  predicted  claimed
blocking          makespan                     5.002 s    5.000 s  –
                  ping.latency.max             4.953 s    4.950 s  ~5s agrees
def-beside-async  makespan                     5.002 s    5.000 s  –
                  ping.latency.max            0.410 ms   0.000 ms  –
fastapi           makespan          not run: python3-fastapi is not installed
huge              makespan            predicted 5000 s             –
                  ping.latency.max  predicted 0.400 ms             –

CHECK ping.latency.max within 3% · blocking: 4.953 s, predicted 4.950 s
CHECK FAILED ping.latency.max within 3% · def-beside-async: 0.410 ms, predicted
      0 s
)");
}

TEST_CASE("No line is wider than asked for or ends with a blank, at any width") {
  for (const Report& report : all_samples()) {
    for (int width = 20; width <= 140; ++width) {
      for (const bool ascii : {false, true}) {
        for (const std::string& line : lines_of(to_text(report, style(width, ascii)))) {
          INFO("width " << width << ": " << line);
          CHECK(columns(line) <= static_cast<std::size_t>(width));
          CHECK((line.empty() || line.back() != ' '));
        }
      }
    }
  }
}

TEST_CASE("Sixty columns keep every arm, figure and verdict") {
  const std::string text = to_text(samples::blocking_async(), style(60));
  CHECK(has(text, "async-loop      0.100 s"));
  CHECK(has(text, "~0.03 impossible"));
  CHECK(has(text, "workers-4"));
  CHECK_FALSE(has(text, "in FastAPI"));
}

TEST_CASE("ASCII output has no byte above 126 and no control byte but newlines") {
  for (const Report& report : all_samples()) {
    const std::string text = to_text(report, style(80, true)) + table_text(report, style(80, true));
    CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  }
}

TEST_CASE("Escape codes appear only in colour, and colour adds nothing else") {
  for (const Report& report : all_samples()) {
    const std::string plain = to_text(report, style(80));
    std::string colored = to_text(report, style(80, false, true));
    CHECK_FALSE(has(plain, "\x1b"));
    for (std::size_t at = colored.find('\x1b'); at != std::string::npos; at = colored.find('\x1b')) {
      colored.erase(at, colored.find('m', at) - at + 1);
    }
    CHECK(colored == plain);
  }
  CHECK(has(to_text(samples::blocking_async(), style(80, false, true)), "\x1b["));
}

TEST_CASE("What a hostile file says cannot move the cursor") {
  Report report = samples::blocking_async();
  report.question = "\x1b[2J wiped\r\nnow";
  report.arms[0].arm = "a\x1b]0;title\x07";
  report.arms[0].label = "\xff\xfe";
  report.remarks[0].text =
      "\xc2\x9b"
      "31m \xe2\x80\xae"
      "drawkcab";
  const std::string text =
      to_text(report, details(80)) + write_reports("md", {std::vector<Report>{report}}).value();
  CHECK_FALSE(has(text, "\x1b"));
  CHECK_FALSE(has(text, "\x07"));
  CHECK_FALSE(has(text, "\xc2\x9b"));
  CHECK_FALSE(has(text, "\xe2\x80\xae"));
  CHECK(valid_utf8(text) == text);
}

TEST_CASE("Five and fewer repetitions claim no interval and show their number") {
  Report report = samples::blocking_async();
  for (ArmReport& arm : report.arms) {
    arm.repetitions = 2;
    arm.makespan_s = Estimate{arm.makespan_s->median, {}, {}, {1, 2}};
  }
  const std::string text = table_text(report, style(80));
  CHECK(has(text, "measured, n = 2"));
  CHECK_FALSE(has(text, "min–max"));
  CHECK_FALSE(has(text, "1.002"));
}

TEST_CASE("An interval of inner ranks is not called minimum to maximum") {
  Report report = samples::blocking_async();
  for (ArmReport& arm : report.arms) {
    arm.repetitions = 9;
    arm.makespan_s->samples = {0.01, 1, 1, 1, 1, 1, 1, 1, 9};
  }
  CHECK(has(table_text(report, style(80)), "95 % (9)"));
}

TEST_CASE("Case and engine are columns only where they differ") {
  Report report = samples::blocking_async();
  CHECK_FALSE(has(table_text(report, style(120)), "engine"));
  CHECK_FALSE(has(table_text(report, style(120)), "case"));
  report.arms[1].engine.kind = kModel;
  report.arms[2].case_id = "other";
  const std::string text = table_text(report, style(120));
  CHECK(has(text, "arm            case   engine  in FastAPI"));
  CHECK(has(text, "thread-pool    other  native"));
}

TEST_CASE("Many checks are summed up, and those that failed are reported") {
  Report report = samples::blocking_async();
  for (int i = 0; i < 10; ++i)
    report.checks.push_back({"makespan within 3% · a", true, true, "1 s", {}, "within 3%"});
  CHECK_FALSE(has(to_text(report, details(80)), "CHECK"));
  report.checks_asked = true;
  CHECK(has(to_text(report, style(80)), "\nCHECK 10 of 10 within 3%\n"));
  report.checks_asked = false;
  report.checks[3] = {"makespan within 3% · b", false, true, "2 s", {}, "within 3%"};
  report.checks[4] = {"makespan within 3% · c", true, false, "3 s", {}, "within 3%"};
  const std::string text = to_text(report, details(80));
  CHECK(has(text, "CHECK FAILED makespan within 3% · b: 2 s\n"));
  CHECK(has(text, "CHECK UNDECIDED makespan within 3% · c: 3 s; the interval crosses the tolerance\n"));
  CHECK(has(text, "CHECK 8 of 10 within 3%\n"));
}

TEST_CASE("What makes the table doubtful is one warning where checks were not asked for") {
  Report report = samples::blocking_async();
  report.checks = {{"a", true, true, ""}, {"b", false, true, ""}, {"c", true, false, ""}};
  report.noise = "noisy: others took the cores";
  report.noisy = true;
  const std::string text = to_text(report, style(80));
  CHECK(has(text, "\nWARN  1 of 3 checks failed; 1 of 3 checks undecided; the machine was noisy:"));
  CHECK_FALSE(has(text, "\nCHECK"));
  report.checks_asked = true;
  const std::string asked = to_text(report, style(80));
  CHECK(has(asked, "\nCHECK FAILED b\n"));
  CHECK(has(asked, "\nWARN  the machine was noisy: others took the cores\n"));
}

TEST_CASE("A warning that changes a conclusion and a guess are read first, others are details") {
  Report report = samples::blocking_async();
  report.remarks.push_back({.kind = NoteKind::warn, .text = "3 requests failed", .decisive = true});
  report.remarks.push_back({NoteKind::warn, "an outlier"});
  report.remarks.push_back({NoteKind::guess, "right"});
  const std::string text = to_text(report, style(80));
  CHECK(has(text, "\nGUESS right\nWARN  3 requests failed\nNEXT "));
  CHECK(has(text, "\nMORE  --details adds WHY, LOG, NOTE, WARN\n"));
  CHECK_FALSE(has(text, "outlier"));
  report.again = "lab report last";
  CHECK(has(to_text(report, style(80)), "\nMORE  lab report last --details    (WHY, LOG, NOTE, WARN)\n"));
}

TEST_CASE("A table that leaves no rows for lanes shows an arm's figures side by side") {
  Report report = samples::blocking_async();
  report.headline = {Stat{}, parse_stat("latency.max").value(), parse_stat("latency.min").value()};
  for (ArmReport& arm : report.arms) {
    for (std::size_t i = 1; i < report.headline.size(); ++i) {
      MeasureRow row = arm.measures.front();
      row.stat = report.headline[i];
      row.documented.reset();
      arm.measures.push_back(row);
    }
  }
  report.arms.back().not_run = "no cores";
  const std::string text = to_text(report, style(80));
  CHECK(has(text,
            "\narm            makespan  latency.max  latency.min\n"
            "blocking-loop   1.003 s      1.003 s      1.003 s\n"));
  CHECK(has(text, "\nworkers-4      not run: no cores\nmedians, n = 6\n\n"));
  CHECK(has(text, "WHY, LOG, NOTE, the whole table\n"));
  CHECK(lines_of(text).size() <= 23);
  CHECK(has(to_text(report, details(80)), "               latency.max"));

  report.headline = {parse_stat("latency.max").value()};
  const std::vector<ArmReport> arms = report.arms;
  for (const char* id : {"second", "third", "fourth"}) {
    for (ArmReport arm : arms) {
      arm.case_id = id;
      report.arms.push_back(arm);
    }
  }
  const std::string by_case = to_text(report, style(80));
  CHECK(has(by_case, "\narm               main   second    third   fourth\n"));
  CHECK(has(by_case, "\nmedian latency.max, n = 6\n"));
}

TEST_CASE("Names that a narrow table has no room for go on below") {
  Report report = samples::blocking_async();
  report.arms[0].arm = "blocking-loop-with-a-long-name";
  const std::string text = table_text(report, style(60));
  CHECK(has(text, "\nblocking-loop-with-a-       1.003 s  1.000  ~1.1  agrees\nlong-name\n"));
  CHECK_FALSE(has(text, "…"));
}

TEST_CASE("Findings that no remark speaks of come under WHY, once for all arms that share them") {
  Report report = samples::blocking_async();
  report.remarks.erase(report.remarks.begin());
  report.arms[4].findings = report.arms[0].findings;
  const std::string text = to_text(report, details(200));
  CHECK(has(
      text,
      "WHY   blocking-loop: LAB101 loop blocked: nine requests queued 4.5 s in all behind a sleeping loop. "
      "The same holds for workers-4.\n"));
}

TEST_CASE("Remarks stand in the order why, log, note, warning, next") {
  Report report = samples::blocking_async();
  report.remarks.insert(report.remarks.begin(), {NoteKind::warn, "events were lost"});
  const std::string text = to_text(report, details(80));
  CHECK(text.find("\nWHY ") < text.find("\nLOG "));
  CHECK(text.find("\nLOG ") < text.find("\nNOTE "));
  CHECK(text.find("\nNOTE ") < text.find("\nWARN "));
  CHECK(text.find("\nWARN ") < text.find("\nNEXT "));
}

TEST_CASE("An incomplete run and changed options stand above the table") {
  Report report = samples::blocking_async();
  report.changes = "d = 1 s, scale 0.1";
  report.complete = false;
  report.incomplete_reason = "interrupted";
  CHECK(has(to_text(report, style(80)),
            "answered?\nchanged: d = 1 s, scale 0.1\nWARN  incomplete: interrupted\n\narm "));
}

TEST_CASE("The table alone is the table of the whole text") {
  const Report report = samples::blocking_async();
  const std::string table = table_text(report, style(80));
  CHECK(lines_of(table).size() == 6);
  CHECK(has(to_text(report, style(80)), table));
}

TEST_CASE("A report without arms is still a text") {
  Report report;
  report.question = "Why?";
  CHECK(to_text(report, style(80)) == "Why?\n\narm  measured\n");
}

TEST_CASE("The sum of checks names the stat that they share") {
  Report report = samples::blocking_async();
  report.checks_asked = true;
  for (int i = 0; i < 8; ++i)
    report.checks.push_back({"makespan within 20ms · a", true, true, "1 s", Stat{}, "within 20ms"});
  CHECK(has(to_text(report, style(80)), "\nCHECK makespan: 8 of 8 within 20ms\n"));
  report.checks.back().stat = parse_stat("ping.latency.max").value();
  CHECK(has(to_text(report, style(80)), "\nCHECK 8 of 8 within 20ms\n"));
}

TEST_CASE("An undecided check gives its interval and why it is not decided") {
  Report report = samples::blocking_async();
  report.checks = {{"makespan within 3% · a", true, false, "1 s", Stat{}, "within 3%", "980 ms–1.2 s"}};
  CHECK(has(to_text(report, details(200)), ": 1 s; the interval 980 ms–1.2 s crosses the tolerance\n"));
  report.noise = "noisy: tasks waited";
  report.noisy = true;
  CHECK(has(to_text(report, details(200)),
            ": 1 s; interval 980 ms–1.2 s, the machine was noisy: tasks waited\n"));
}

TEST_CASE("Figures of one stat share a unit") {
  Report report = samples::blocking_async();
  report.arms.resize(2);
  for (ArmReport& arm : report.arms) {
    arm.documented_s.reset();
    arm.makespan_s = samples::six(0.1015, 0.102, 0.103);
    arm.bound_s = 0.1;
  }
  report.arms[1].makespan_s = samples::six(0.0101, 0.0102, 0.0103);
  report.arms[1].bound_s = 0.01;
  std::string text = table_text(report, style(120));
  CHECK(has(text, "0.102 s  0.102–0.103  0.100\n"));
  CHECK(has(text, "0.010 s  0.010–0.010  0.010\n"));
  report.arms.erase(report.arms.begin());
  text = table_text(report, style(120));
  CHECK(has(text, "10.2 ms  10.1–10.3     10.0\n"));
}

TEST_CASE("A stat that a case does not load has no row there") {
  Report report = samples::frozen();
  report.arms[1].measures[1].measured.reset();
  report.arms[1].measures[1].predicted.reset();
  const std::vector<std::string> lines = lines_of(table_text(report, style(80)));
  CHECK(lines.size() == 7);
  CHECK(has(lines[3], "def-beside-async  makespan"));
  CHECK(has(lines[4], "fastapi"));
}

TEST_CASE("Remarks keep numbers with their units and commands whole") {
  Report report;
  report.remarks = {{NoteKind::note, "waited 8 min 20 s, then lab run x --requests 41 again"}};
  CHECK(has(to_text(report, details(22)), "NOTE  waited\n      8 min 20 s, then\n      lab run x\n"));
  CHECK(has(to_text(report, details(34)), "      lab run x --requests 41\n"));
}
