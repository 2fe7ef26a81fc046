#include <fmt/format.h>

#include "lab/completion.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

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

std::string item(const OptionWords& option) {
  std::string line = ".It";
  for (const std::string& name : option.names)
    line += fmt::format("{} Fl {}", &name == &option.names.front() ? "" : " ,", name.substr(1));
  if (!option.value.empty()) line += " Ar " + argument(option.value);
  return line + "\n" + roff(option.help) + ".\n";
}

}  // namespace

std::string manual_of_verbs(const std::vector<VerbWords>& verbs) {
  std::string text;
  for (const VerbWords& verb : verbs) {
    const bool program = &verb == &verbs.front();
    text += program ? ".Ss Options of every call\n"
                    : fmt::format(".Ss lab {}\n{}.\n", verb.name, roff(verb.help));
    if (!verb.options.empty()) text += ".Bl -tag -width Ds\n";
    for (const OptionWords& option : verb.options) text += item(option);
    if (!verb.options.empty()) text += ".El\n";
    if (program || verb.footer.empty()) continue;
    text += ".Bd -literal -offset indent\n";
    for (const std::string& line : split(verb.footer, '\n')) text += roff(line) + "\n";
    text += ".Ed\n";
  }
  return text;
}

}  // namespace lab
