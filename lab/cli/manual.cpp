#include <fmt/format.h>

#include "lab/cli/completion.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kIndent = 2;  ///< of examples, within the page's text

/// Text that roff prints as it stands: backslashes, and lines that would be requests.
std::string roff(const std::string& text) {
  std::string out;
  bool begins = true;
  for (const char letter : text) {
    if (begins && (letter == '.' || letter == '\'')) out += "\\&";
    if (letter == '\\') {
      out += "\\e";
    } else {
      out += letter;
    }
    begins = letter == '\n';
  }
  return out;
}

/// One argument of a macro: words that mdoc would take for macros or punctuation are kept together.
std::string argument(const std::string& text) {
  std::string out;
  for (const char letter : roff(text)) out += letter == '"' ? std::string("\\(dq") : std::string(1, letter);
  return "\"" + out + "\"";
}

std::string item(const Option& option) {
  std::string line = ".It";
  for (const std::string& name : option.spellings())
    line += fmt::format("{} Fl {}", line.size() == 3 ? "" : " ,", name.substr(1));
  if (!option.value.empty()) line += " Ar " + argument(option.value);
  return line + "\n" + roff(option.help) + ".\n";
}

/// Where a line may end, at most `most` columns wide: before an option of a command, else at a blank.
std::size_t end_of_line(const std::string& line, bool is_command, std::size_t least, std::size_t most) {
  const std::size_t option = is_command ? line.rfind(" -", most) : std::string::npos;
  if (option != std::string::npos && option > least) return option;
  const std::size_t blank = line.rfind(' ', most);
  return blank != std::string::npos && blank > least ? blank : line.size();
}

/// A line of a footer in lines that fit 80 columns. A command stays one that can be copied.
std::vector<std::string> broken(std::string line, const std::string& command) {
  constexpr std::size_t kColumns = 80 - 5 - kIndent;
  const std::size_t begins = line.find(command);
  const bool is_command = begins != std::string::npos && line.find(", ", begins) == std::string::npos;
  const std::string indent((is_command ? begins : 0) + 2, ' ');
  const std::string_view goes_on = is_command ? " \\" : "";
  std::vector<std::string> lines;
  while (line.size() > kColumns) {
    const std::size_t end = end_of_line(line, is_command, indent.size(), kColumns - goes_on.size());
    if (end == line.size()) break;
    lines.push_back(line.substr(0, end) + std::string(goes_on));
    line.replace(0, end + 1, indent);
  }
  lines.push_back(line);
  return lines;
}

}  // namespace

std::string manual_of_verbs(const std::vector<Command>& verbs) {
  std::string text;
  for (const Command& verb : verbs) {
    const bool program = &verb == &verbs.front();
    text += program ? ".Ss Options of every call\n"
                    : fmt::format(".Ss lab {}\n{}.\n", verb.name, roff(verb.help));
    if (!verb.options.empty()) text += ".Bl -tag -width Ds\n";
    for (const Option& option : verb.options) text += item(option);
    if (!verb.options.empty()) text += ".El\n";
    if (program || verb.footer.empty()) continue;
    text += fmt::format(".Bd -literal -offset {}n\n", kIndent);
    for (const std::string& footer : split(verb.footer, '\n')) {
      for (const std::string& line : broken(footer, "lab " + verb.name + " ")) text += roff(line) + "\n";
    }
    text += ".Ed\n";
  }
  return text;
}

}  // namespace lab
