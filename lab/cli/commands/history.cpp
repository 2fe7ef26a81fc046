#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/page.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

/// Reads all of the run's record, for damage may be anywhere in it, and adds what the listing lacks: the
/// repetitions that `lab report` would read, and whether all of it is sound.
void look_into(RunListing& run) {
  if (!run.readable) return;
  const auto drop = [](RunRepetition& repetition) {
    repetition.records = std::vector<RequestRecord>();  // unlike = {} this gives the memory back
    repetition.events = Events();
  };
  const auto read = read_run(run.path, {.whole = drop, .leave_large = true});
  if (!read) return;
  run.repetitions = read->repetitions.size();
  if (run.problem.empty()) run.summary = read->summary;
}

int history(std::size_t most) {
  std::vector<RunListing> runs = list_runs(default_runs_folder()).value();
  if (runs.empty()) {
    print(as_called("No run has been recorded yet. Start with: lab run blocking-async\n"));
    return 0;
  }
  constexpr std::size_t kStateColumn = 64;
  std::string text = fmt::format("{:<50}{:>12}  {}\n", "run", "repetitions", "state");
  for (std::size_t i = 0; i < runs.size() && i < most; ++i) {
    RunListing& run = runs[i];
    look_into(run);
    const std::string reason = printable(!run.readable ? run.problem : run.summary.reason, false);
    std::string state = !run.readable ? "unreadable" : run.summary.complete ? "complete" : "incomplete";
    const bool below = columns(state) + 2 + columns(reason) > 80 - kStateColumn;
    if (!reason.empty() && !below) state += ": " + reason;
    text += pad(printable(run.name, false), 50) +
            pad(run.readable ? std::to_string(run.repetitions) : "–", 12, true) + "  " + state + "\n";
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
