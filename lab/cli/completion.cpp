#include "lab/cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"

namespace lab {

namespace {

/// The first of its options that is so; null: none.
template <class Matches>
const Option* find_option(const Command& verb, const Matches& matches) {
  const auto found = std::ranges::find_if(verb.options, matches);
  return found == verb.options.end() ? nullptr : &*found;
}

const Option* named(const Command& verb, const std::string& name) {
  return find_option(verb, [&](const Option& option) { return contains(option.spellings(), name); });
}

void add_options(const Command& verb, std::vector<Candidate>& words) {
  for (const Option& option : verb.options) {
    for (const std::string& name : option.spellings()) words.push_back({name, option.help});
  }
}

/// Kinds of values whose names end where a file's may begin.
bool is_file(std::string_view kind) {
  constexpr std::array<std::string_view, 8> kFiles{"SCENARIO", "FILE",    "DIR",     "PATH",
                                                   "RUN",      "ANSWERS", "OUT.zip", "COMMAND"};
  return std::ranges::find(kFiles, kind) != kFiles.end();
}

/// bash gives `--format=js` as three words, and replaces the last one alone.
struct JoinedLine {
  std::vector<std::string> words;
  std::string kept;  ///< of the last word: what is not replaced
};

JoinedLine join_at_equals(std::span<const std::string> line) {
  JoinedLine joined;
  bool continues = false;
  for (const std::string& word : line) {
    continues = (continues || word == "=") && !joined.words.empty();
    if (continues) {
      joined.words.back() += word;
      joined.kept = joined.words.back().substr(0, joined.words.back().rfind('=') + 1);
    } else {
      joined.words.push_back(word);
      joined.kept.clear();
    }
    continues = word == "=";
  }
  if (joined.words.empty()) joined.words.emplace_back();
  return joined;
}

/// What the value of an option may be; `text` is what was written of it. Of a list, `a,b`, the last part.
Candidates values_of(const Option& option, const std::string& text, std::span<const std::string> line,
                     const Known& known) {
  Candidates values;
  const bool assigns = option.value.find('=') != std::string::npos;
  if (assigns && text.find('=') != std::string::npos) return values;
  const std::string_view kind = std::string_view(option.value).substr(0, option.value.find_first_of(",="));
  for (const std::string& word : option.choices) values.words.push_back({word, ""});
  if (values.words.empty()) values.words = known(kind, line);
  values.files = is_file(kind);
  values.nospace = assigns;
  if (assigns) {
    for (Candidate& value : values.words) value.word += '=';
  }
  if (option.value.find(',') == std::string::npos) return values;
  const std::string before = text.substr(0, text.rfind(',') + 1);  // npos + 1 is 0
  for (Candidate& value : values.words) value.word.insert(0, before);
  return values;
}

Candidates all_candidates(const std::vector<Command>& verbs, std::span<const std::string> line,
                          const Known& known) {
  Candidates found;
  const std::string& word = line.back();
  if (line.size() == 1) {
    for (auto verb = verbs.begin() + 1; verb != verbs.end(); ++verb)
      found.words.push_back({verb->name, verb->help});
    add_options(verbs.front(), found.words);
    return found;
  }
  const auto verb = std::find_if(verbs.begin() + 1, verbs.end(),
                                 [&](const Command& each) { return each.name == line.front(); });
  if (verb == verbs.end()) return found;
  const Option* before = line.size() > 2 ? named(*verb, line[line.size() - 2]) : nullptr;
  if (before != nullptr && !before->is_flag()) return values_of(*before, word, line, known);
  const std::size_t equals = word.find('=');
  if (word.starts_with("--") && equals != std::string::npos) {
    const Option* option = named(*verb, word.substr(0, equals));
    if (option == nullptr || option->is_flag()) return found;
    found = values_of(*option, word.substr(equals + 1), line, known);
    for (Candidate& value : found.words) value.word.insert(0, word, 0, equals + 1);
    return found;
  }
  if (word.starts_with('-')) {
    add_options(*verb, found.words);
  } else if (const Option* option = find_option(*verb, std::mem_fn(&Option::is_word))) {
    return values_of(*option, word, line, known);
  }
  return found;
}

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
  constexpr std::size_t kColumns = 80 - 7 - kIndent;  // 7: where groff 1.23 begins the text (1.22: 5)
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

std::string unquoted(std::string_view typed, std::string_view home) {
  std::string value;
  char quote = 0;
  if (typed == "~" || typed.starts_with("~/")) {
    value = home;
    typed.remove_prefix(1);
  }
  for (; !typed.empty(); typed.remove_prefix(1)) {
    const char letter = typed.front();
    if (quote != '\'' && (typed == "$HOME" || typed.starts_with("$HOME/"))) {
      value += home;
      typed.remove_prefix(std::string_view("HOME").size());
    } else if (letter == quote) {
      quote = 0;
    } else if (quote == 0 && (letter == '"' || letter == '\'')) {
      quote = letter;
    } else if (letter == '\\' && typed.size() > 1 &&
               (quote == 0 ||
                (quote == '"' && std::string_view("\"\\$`").find(typed[1]) != std::string_view::npos))) {
      typed.remove_prefix(1);
      value += typed.front();
    } else {
      value += letter;
    }
  }
  return value;
}

Candidates candidates(const std::vector<Command>& verbs, std::span<const std::string> line,
                      const Known& known) {
  const JoinedLine joined = join_at_equals(line);
  Candidates found = all_candidates(verbs, joined.words, known);
  std::erase_if(found.words,
                [&](const Candidate& candidate) { return !candidate.word.starts_with(joined.words.back()); });
  for (Candidate& candidate : found.words) candidate.word.erase(0, joined.kept.size());
  return found;
}

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
