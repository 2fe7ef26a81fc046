#include <catch2/catch.hpp>

#include "results/report/remarks.hpp"

using namespace lab;

namespace {

std::vector<Arm> three_arms() {
  std::vector<Arm> arms(3);
  arms[0].id = "one";
  arms[1].id = "async-loop";
  arms[1].documented.push_back({Stat{}, 0.03, "~0.03s", ""});
  arms[2].id = "workers-4";
  return arms;
}

/// Whether the text speaks of an arm that has no row, where these have one.
bool absent(const std::string& text, const std::vector<std::string>& rows, const char* engine = kNative,
            bool ours = true) {
  std::vector<ArmReport> arms(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    arms[i].written = rows[i];
    arms[i].engine.kind = engine;
  }
  return speaks_of_absent(text, three_arms(), arms, ours);
}

}  // namespace

TEST_CASE("a note that names an arm is reported where that arm is in the table") {
  const std::string note = "workers-4 is dealt its ten connections in turn.";
  CHECK_FALSE(absent(note, {"one", "workers-4"}));
  CHECK(absent(note, {"one", "async-loop"}));
  CHECK_FALSE(absent("one of ten; workers-40 are others", {"async-loop", "workers-4"}));
}

TEST_CASE("a note is about our own servers, a documented figure about any") {
  CHECK(absent("workers-4 is dealt evenly.", {"workers-4"}, kFastapi));
  CHECK_FALSE(absent("0.03 s is a forgotten await.", {"async-loop"}, kFastapi, false));
  CHECK(absent("0.03 s is a forgotten await.", {"one", "workers-4"}, kNative, false));
  CHECK_FALSE(absent("10.03 s, and 0.035", {"one", "workers-4"}, kNative, false));
}

namespace {

ArmReport answered_row(const std::string& arm, const std::string& engine, double makespan) {
  ArmReport row;
  row.arm = arm;
  row.case_id = "main";
  row.engine.kind = engine;
  row.makespan_s = Estimate{makespan, {}, {}, {makespan}};
  MeasureRow share;
  share.stat = parse_stat("share(error)").value();
  share.measured = Estimate{0.25, {}, {}, {0.25}};
  row.measures = {share};
  return row;
}

Conclusion answer_about(const std::string& arm, const char* stat = "makespan") {
  return {{"After ", "."}, {{arm, "main", parse_stat(stat).value()}}};
}

}  // namespace

TEST_CASE("the answer has the medians of the run in it, those of our own servers first") {
  const std::vector<ArmReport> arms{answered_row("pool", "fastapi", 0.25),
                                    answered_row("pool", "native", 0.2)};
  CHECK(answer_sentence(answer_about("pool"), arms) == "After 200 ms.");
  CHECK(answer_sentence(answer_about("pool"), {arms[0]}) == "After 250 ms.");
  CHECK(answer_sentence(answer_about("pool", "share(error)"), arms) == "After 25 %.");
}

TEST_CASE("a prediction answers with the model's figure") {
  ArmReport predicted = answered_row("pool", "model", 0);
  predicted.makespan_s.reset();
  predicted.predicted_s = 0.2;
  CHECK(answer_sentence(answer_about("pool"), {predicted}) == "After 200 ms.");
}

TEST_CASE("there is no answer where an arm that it speaks of was left out") {
  const std::vector<ArmReport> arms{answered_row("pool", "native", 0.2)};
  CHECK_FALSE(answer_sentence(answer_about("loop"), arms).has_value());
  CHECK_FALSE(answer_sentence(answer_about("pool", "latency.max"), arms).has_value());
  CHECK_FALSE(answer_sentence(Conclusion{}, arms).has_value());
  ArmReport faulty = arms.front();
  faulty.verdict = Verdict::instrument_fault;
  CHECK_FALSE(answer_sentence(answer_about("pool"), {faulty}).has_value());
  ArmReport absent = answered_row("pool", "native", 0);
  absent.makespan_s.reset();
  absent.not_run = "no io_uring";
  CHECK_FALSE(answer_sentence(answer_about("pool"), {absent}).has_value());
}
