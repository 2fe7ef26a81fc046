#include <system_error>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/utf8.hpp"
#include "lab/course/course.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

/// Repetitions that `lab report` would read. A record without its summary must be read to know them, which is
/// done where that is quick.
std::string repetitions(const RunListing& run) {
  constexpr std::uintmax_t kQuick = 8'000'000;
  if (run.problem.empty()) return std::to_string(run.repetitions);
  std::error_code error;
  const auto size = std::filesystem::file_size(run.path / "run.jsonl", error);
  if (error || size > kQuick || !run.readable) return "–";
  const auto read = read_run(run.path);
  return read ? std::to_string(read->repetitions.size()) : "–";
}

int history(std::size_t most) {
  const std::vector<RunListing> runs = list_runs(default_runs_folder()).value();
  if (runs.empty()) {
    print(as_called("No run has been recorded yet. Start with: lab run blocking-async\n"));
    return 0;
  }
  constexpr std::size_t kStateColumn = 64;
  std::string text = fmt::format("{:<50}{:>12}  {}\n", "run", "repetitions", "state");
  for (std::size_t i = 0; i < runs.size() && i < most; ++i) {
    const RunListing& run = runs[i];
    const std::string reason = printable(!run.readable ? run.problem : run.summary.reason, false);
    std::string state = !run.readable ? "unreadable" : run.summary.complete ? "complete" : "incomplete";
    const bool below = columns(state) + 2 + columns(reason) > 80 - kStateColumn;
    if (!reason.empty() && !below) state += ": " + reason;
    text += pad(printable(run.name, false), 50) + pad(repetitions(run), 12, true) + "  " + state + "\n";
    if (below) text += text_lines(reason, "    ", 4, {});
  }
  if (runs.size() > most) text += fmt::format("{} older ones: --last {}\n", runs.size() - most, runs.size());
  text += "Next: lab report last\n";
  print(as_called(text));
  return 0;
}

}  // namespace

Command history_command() {
  Command command("history", "past runs, newest first", "Example: lab history --last 5");
  std::size_t& last = command.runs<std::size_t>(history);
  last = 20;
  command.count("--last", "N", last, 1, 1'000'000, "how many").shows("20");
  return command;
}

}  // namespace lab
