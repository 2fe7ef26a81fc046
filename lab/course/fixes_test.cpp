#include <catch2/catch.hpp>

#include "lab/core/enum_words.hpp"
#include "lab/course/advice.hpp"
#include "results/report/diagnosis.hpp"

using namespace lab;

namespace {

NamedLine line_of(LineCause cause, bool computes = false) {
  NamedLine line;
  line.cause = cause;
  line.computes = computes;
  return line;
}

/// A burst of 64 on a server of that language, whose requests take 50 ms each, all of it in one line.
DiagnosisReport sick(const std::string& runtime, NamedLine line, Execution execution = Execution::serial) {
  DiagnosisReport report;
  report.seen.runtime = runtime;
  report.seen.cores = 4;
  report.verdict.execution = execution;
  report.verdict.parallelism = 1;
  report.verdict.service_s = 0.05;
  line.per_request_s = 0.05;
  InsideReport& inside = report.inside.emplace();
  inside.at_once = 64;
  inside.now_s = 3.2;
  inside.lines.emplace_back().line = std::move(line);
  add_fixes(report);
  return report;
}

std::vector<LineFix> fixes(const std::string& runtime, NamedLine line) {
  return sick(runtime, std::move(line)).inside->lines.front().fixes;
}

}  // namespace

TEST_CASE("every cause has a fix in every language, whose advice can be asked for") {
  for (const std::string runtime : {"python", "node", "java", ""}) {
    for (std::size_t each = 0; each < 2 * kWordsOf<LineCause>.size(); ++each) {
      const auto known = static_cast<LineCause>(each / 2);
      const bool computes = each % 2 == 1;
      if (known == LineCause::interpreter && !computes) continue;  // who waits gives its lock back
      CAPTURE(runtime, to_string(known), computes);
      const auto found = fixes(runtime, line_of(known, computes));
      REQUIRE_FALSE(found.empty());
      for (const LineFix& fix : found) {
        CHECK(advice_book().advice_of(fix.advice) != nullptr);
        const bool has_code = runtime == "python" || runtime.empty();
        CHECK(fix.command.starts_with(has_code ? "lab advise --work " : ""));
        CHECK(fix.command.empty() != has_code);
      }
    }
  }
}

TEST_CASE("a loop that sleeps: what awaits takes as long as one, and forty threads take two rounds") {
  const auto found = fixes("python", line_of(LineCause::blocked_loop));
  REQUIRE(found.size() == 2);
  CHECK(found[0].advice == "change-library");
  CHECK(found[0].predicted_s.value() == Approx(0.05));
  CHECK(found[1].advice == "offload");
  CHECK(found[1].predicted_s.value() == Approx(0.1));
}

TEST_CASE("a loop that computes: as many workers as cores, and a thread under the GIL gains nothing") {
  const auto found = fixes("python", line_of(LineCause::blocked_loop, true));
  REQUIRE(found.size() == 2);
  CHECK(found[0].predicted_s.value() == Approx(64 * 0.05 / 4));
  CHECK(found[1].advice == "compute-in-def");
  CHECK_FALSE(found[1].predicted_s.has_value());
}

TEST_CASE("what waits besides the line goes on waiting") {
  DiagnosisReport report = sick("node", line_of(LineCause::blocked_loop, true), Execution::concurrent);
  LineReport& line = report.inside->lines.front();
  line.fixes.clear();
  line.line.per_request_s = 0.02;
  add_fixes(report);
  REQUIRE(line.fixes.size() == 1);
  CHECK(line.fixes.front().predicted_s.value() == Approx(0.03 + 64 * 0.02 / 4));
}

TEST_CASE("nothing is promised of one line while another one makes requests wait, too") {
  DiagnosisReport report = sick("python", line_of(LineCause::blocked_loop));
  report.inside->lines.push_back(report.inside->lines.front());
  for (LineReport& line : report.inside->lines) line.fixes.clear();
  add_fixes(report);
  for (const LineReport& line : report.inside->lines) {
    REQUIRE(line.fixes.size() == 2);
    CHECK_FALSE(line.fixes.front().predicted_s.has_value());
  }
}

TEST_CASE("a server with four workers keeps them: its forty threads are four times as many") {
  DiagnosisReport report = sick("python", line_of(LineCause::busy_worker), Execution::workers);
  report.verdict.parallelism = 4;
  report.inside->lines.front().fixes.clear();
  add_fixes(report);
  CHECK(report.inside->lines.front().fixes.front().predicted_s.value() == Approx(0.05));
}

TEST_CASE("with enough connections there are still only as many threads as came to the pool") {
  NamedLine line = line_of(LineCause::few_connections);
  line.limit = 5;
  line.waiting = 35;
  CHECK(fixes("python", line).front().predicted_s.value() == Approx(0.1));
  line.waiting = 57;  // of 64, as the looks had it: tasks, of which all come
  CHECK(fixes("python", line).front().predicted_s.value() == Approx(0.05));
}

TEST_CASE("a verdict without a line is advised in the language of the server") {
  const auto advised = [](const std::string& runtime, Execution execution, std::optional<bool> blocked) {
    DiagnosisReport report;
    report.seen.runtime = runtime;
    report.verdict.execution = execution;
    report.verdict.loop_blocked = blocked;
    report.command = "lab run sync-driver";
    add_fixes(report);
    return report.advice;
  };
  CHECK(advised("node", Execution::serial, true).starts_with("the asynchronous call"));
  CHECK(advised("php", Execution::serial, std::nullopt).find("PHP_CLI_SERVER_WORKERS") != std::string::npos);
  CHECK(advised("python", Execution::workers, true).starts_with("await"));
  CHECK(advised("python", Execution::workers, std::nullopt).find("gunicorn") != std::string::npos);
  CHECK(advised("", Execution::serial, true) == "a call that does not block");
}
