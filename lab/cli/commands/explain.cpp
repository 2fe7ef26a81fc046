#include "lab/course/explain.hpp"

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"

namespace lab {

namespace {

struct ExplainOptions {
  std::vector<std::string> ids;
  OutputOptions output;
};

int explain(const ExplainOptions& options) {
  const FindingBook& book = finding_book();
  const TextStyle style{80, options.output.style.ascii};
  std::vector<const FindingEntry*> entries;
  for (const std::string& id : options.ids) entries.push_back(&book.find(id));
  std::string text;
  if (options.output.format != Format::json) {
    for (const FindingEntry* entry : entries)
      text += (text.empty() ? "" : "\n") + explain_as_text(book, *entry, style);
    print(entries.empty() ? list_findings(book, style) : text);
    return 0;
  }
  if (entries.empty()) {
    for (const FindingEntry& entry : book.finding) entries.push_back(&entry);
  }
  print(explain_as_json(book, entries));
  return 0;
}

}  // namespace

Command explain_command() {
  Command command("explain", "what a finding means and what to do about it", "Example: lab explain LAB101");
  ExplainOptions& options = command.runs<ExplainOptions>(explain);
  command.texts("finding", "LAB101", options.ids, "such as LAB101; without one: the list of all findings");
  add_text_or_json(command, options.output);
  return command;
}

}  // namespace lab
