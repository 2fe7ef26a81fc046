// What a student hands in for Gradescope: answers, and a run behind them. The grader leaves its results
// whatever it is.

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "lab/cli/command.hpp"
#include "lab/core/error.hpp"
#include "tests/fuzz/records.hpp"

namespace lab::fuzz {

namespace {

namespace fs = std::filesystem;

/// Behind the first empty line of the input stands a run.
constexpr std::string_view kRunFollows = "\n\n";

/// As Gradescope lays it out.
void write_submission(std::string_view input) {
  const fs::path folder = scratch() / "submission";
  fs::create_directories(folder);
  const std::size_t at = input.find(kRunFollows);
  write_file(folder / "answers.json", input.substr(0, at));
  if (at == std::string_view::npos) {
    fs::remove(folder / "run.jsonl");
  } else {
    write_file(folder / "run.jsonl", sealed_lines(input.substr(at + kRunFollows.size())));
  }
}

void check_results() {
  std::ifstream file(scratch() / "results/results.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  boost::system::error_code error;
  const boost::json::value results = boost::json::parse(text, error);
  expect(!error && results.is_object(), "results are JSON", text);
  if (const boost::json::value* score = results.get_object().if_contains("score")) {
    const double points = score->to_number<double>();
    expect(points >= 0 && points <= 100, "a score", text);
  }
}

const Command& grade() {
  static const std::vector<Command> commands = all_commands();
  static const ParsedLine line = parse_command_line(
      commands, {"grade", "--scenario", "blocking-async", "--gradescope-folder", scratch().string()});
  return *line.command;
}

}  // namespace

std::vector<std::string> seeds() {
  const std::string head = R"({"schema":"lab.answers/1","scenario":"blocking-async",)";
  const std::string answers =
      head +
      R"("seed":42,"student":"ada","cores":2,"answers":{"blocking-async-1":"1 s","blocking-async-2":{"value":100,)" +
      R"("unit":"ms"},"blocking-async-3":0.1}})";
  return {answers, head + R"("settings":{"d":"200ms","requests":13},"answers":{"blocking-async-1":null}})",
          answers + std::string(kRunFollows) + short_record("blocking-async", 2)};
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lab::fuzz::write_submission(lab::fuzz::text_of(data, size));
  lab::fuzz::expect(lab::fuzz::grade().run() == 0, "a verdict");
  lab::fuzz::check_results();
  return 0;
}
