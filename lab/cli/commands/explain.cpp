#include "lab/course/explain.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

struct ExplainOptions {
  std::vector<std::string> ids;
  std::string format = "text";
  bool ascii = false;
};

int explain(const ExplainOptions& options) {
  const FindingBook& book = finding_book();
  std::vector<const FindingEntry*> entries;
  for (const std::string& id : options.ids) entries.push_back(book.find(id).value());
  if (options.format != "text" && options.format != "json") {
    throw Failure(usage_error("--format: unknown '{}'{}", options.format.substr(0, 40),
                              suggestion(options.format, {"text", "json"})));
  }
  if (options.format == "json") {
    if (entries.empty()) {
      for (const FindingEntry& entry : book.entries) entries.push_back(&entry);
    }
    print(explain_as_json(book, entries));
    return 0;
  }
  std::vector<std::string> texts;
  for (const FindingEntry* entry : entries) texts.push_back(explain_as_text(book, *entry, options.ascii));
  print(texts.empty() ? list_findings(book, options.ascii) : join(texts, "\n"));
  return 0;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("explain", "what a finding means and what to do about it");
  verb->footer("Example: lab explain LAB101");
  auto options = std::make_shared<ExplainOptions>();
  add_texts(*verb, "finding", options->ids, "as LAB101; none: the list of all")->type_name("LAB101");
  add_text(*verb, "--format", options->format, "text or json")->capture_default_str();
  verb->add_flag("--ascii", options->ascii, "no character beyond ASCII");
  verb->callback([&action, options] { action = [options] { return explain(*options); }; });
}

}  // namespace lab
