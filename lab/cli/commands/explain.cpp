#include "lab/course/explain.hpp"

#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

struct ExplainOptions {
  std::vector<std::string> ids;
  OutputOptions output;
};

int explain(const ExplainOptions& options) {
  const FindingBook& book = finding_book();
  std::vector<const FindingEntry*> entries;
  for (const std::string& id : options.ids) entries.push_back(book.find(id).value());
  const bool ascii = options.output.style.ascii;
  if (options.output.format == Format::json) {
    if (entries.empty()) {
      for (const FindingEntry& entry : book.entries) entries.push_back(&entry);
    }
    print(explain_as_json(book, entries));
    return 0;
  }
  std::vector<std::string> texts;
  for (const FindingEntry* entry : entries) texts.push_back(explain_as_text(book, *entry, ascii));
  print(texts.empty() ? list_findings(book, ascii) : join(texts, "\n"));
  return 0;
}

}  // namespace

Command explain_command() {
  Command command("explain", "what a finding means and what to do about it", "Example: lab explain LAB101");
  const auto options = std::make_shared<ExplainOptions>();
  command.texts("finding", "LAB101", options->ids, "as LAB101; none: the list of all");
  add_text_or_json(command, options->output);
  command.run = [options] { return explain(*options); };
  return command;
}

}  // namespace lab
