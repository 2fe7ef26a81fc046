#include "lab/cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>

#include "lab/core/text.hpp"

namespace lab {

namespace {

OptionWords words_of(const CLI::Option& option) {
  OptionWords words;
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  if (option.get_items_expected_max() > 0) words.value = option.get_type_name();
  words.help = option.get_description();
  return words;
}

VerbWords words_of_verb(const CLI::App& verb) {
  VerbWords words{verb.get_name(), verb.get_description(), verb.get_footer(), {}};
  for (const CLI::Option* option : verb.get_options()) words.options.push_back(words_of(*option));
  return words;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '-';
  });
}

const OptionWords* named(const VerbWords& verb, std::string_view name) {
  for (const OptionWords& option : verb.options) {
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) return &option;
  }
  return nullptr;
}

const OptionWords* positional(const VerbWords& verb) {
  for (const OptionWords& option : verb.options) {
    if (option.names.empty()) return &option;
  }
  return nullptr;
}

void add_options(const VerbWords& verb, std::vector<Candidate>& words) {
  for (const OptionWords& option : verb.options) {
    for (const std::string& name : option.names) words.push_back({name, option.help});
  }
}

/// Kinds of values whose names end where a file's may begin.
bool is_file(std::string_view kind) {
  constexpr std::array<std::string_view, 8> kFiles{"SCENARIO", "FILE",    "DIR",     "PATH",
                                                   "RUN",      "ANSWERS", "OUT.zip", "COMMAND"};
  return std::find(kFiles.begin(), kFiles.end(), kind) != kFiles.end();
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
Candidates values_of(const OptionWords& option, const std::string& text, std::span<const std::string> line,
                     const Known& known) {
  Candidates values;
  const bool assigns = option.value.find('=') != std::string::npos;
  if (assigns && text.find('=') != std::string::npos) return values;
  const std::string_view kind = std::string_view(option.value).substr(0, option.value.find_first_of(",="));
  for (const std::string& word : choices_in(option.help)) values.words.push_back({word, ""});
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

Candidates all_candidates(const std::vector<VerbWords>& verbs, std::span<const std::string> line,
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
                                 [&](const VerbWords& each) { return each.name == line.front(); });
  if (verb == verbs.end()) return found;
  const OptionWords* before = line.size() > 2 ? named(*verb, line[line.size() - 2]) : nullptr;
  if (before != nullptr && !before->value.empty()) return values_of(*before, word, line, known);
  const std::size_t equals = word.find('=');
  if (word.starts_with("--") && equals != std::string::npos) {
    const OptionWords* option = named(*verb, word.substr(0, equals));
    if (option == nullptr || option->value.empty()) return found;
    found = values_of(*option, word.substr(equals + 1), line, known);
    for (Candidate& value : found.words) value.word.insert(0, word, 0, equals + 1);
    return found;
  }
  if (word.starts_with('-')) {
    add_options(*verb, found.words);
  } else if (const OptionWords* option = positional(*verb)) {
    return values_of(*option, word, line, known);
  }
  return found;
}

}  // namespace

std::vector<VerbWords> words_of(const CLI::App& app) {
  std::vector<VerbWords> verbs{words_of_verb(app)};
  for (const CLI::App* verb :
       app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    verbs.push_back(words_of_verb(*verb));
  return verbs;
}

std::vector<std::string> choices_in(std::string_view help) {
  const std::string list(help.substr(0, help.find_first_of("(:")));
  if (list.find('|') != std::string::npos) return split(list.substr(0, list.find(',')), '|');
  const std::size_t last = list.rfind(" or ");
  if (last == std::string::npos) return {};
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= last;) {
    const std::size_t end = std::min(list.find(", ", at), last);
    words.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  words.push_back(list.substr(last + 4, list.find_last_not_of(' ') + 1 - (last + 4)));
  if (!std::all_of(words.begin(), words.end(), is_word)) return {};
  return words;
}

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

Candidates candidates(const std::vector<VerbWords>& verbs, std::span<const std::string> line,
                      const Known& known) {
  const JoinedLine joined = join_at_equals(line);
  Candidates found = all_candidates(verbs, joined.words, known);
  std::erase_if(found.words,
                [&](const Candidate& candidate) { return !candidate.word.starts_with(joined.words.back()); });
  for (Candidate& candidate : found.words) candidate.word.erase(0, joined.kept.size());
  return found;
}

}  // namespace lab
