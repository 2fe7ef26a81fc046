#include "lab/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "lab/core/text.hpp"

namespace lab {

namespace {

// {}: verbs, the program's own options, what each verb takes.
constexpr const char* kBash = R"~(# bash completion for lab; made by: lab completion bash
_lab() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} options='' scenarios=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} {}' -- "$word")
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ -n $scenarios ]]; then
    mapfile -t COMPREPLY < <(
      compgen -W "$(lab completion scenarios 2>/dev/null)" -- "$word"
      compgen -f -X '!*.toml' -- "$word"
    )
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -o filenames -F _lab lab
)~";

constexpr const char* kZsh = R"~(#compdef lab
# zsh completion for lab; made by: lab completion zsh
_lab_scenarios() {{
  local -a scenarios
  scenarios=(${{(f)"$(lab completion scenarios 2>/dev/null)"}})
  compadd -a scenarios
  _files -g '*.toml'
}}
_lab() {{
  local -a verbs
  verbs=(
{}  )
  if ((CURRENT == 2)); then
    _describe 'verb' verbs
    compadd -- {}
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
{}  esac
}}
_lab "$@"
)~";

constexpr const char* kFish = R"~(# fish completion for lab; made by: lab completion fish
function __lab_verb_is
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
end
)~";

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

/// `--a --b`
std::string option_names(const VerbWords& verb) {
  std::vector<std::string> names;
  for (const OptionWords& option : verb.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return join(names, " ");
}

bool takes_scenarios(const VerbWords& verb) {
  return std::any_of(verb.options.begin(), verb.options.end(), [](const OptionWords& option) {
    return option.names.empty() && option.value.find("SCENARIO") != std::string::npos;
  });
}

/// In single quotes, as all three shells read them; `also` is escaped with a backslash.
std::string quoted(const std::string& text, std::string_view also = "") {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\n') {
      out += ' ';
    } else if (letter == '\'') {
      out += "'\\''";
    } else {
      if (also.find(letter) != std::string_view::npos) out += '\\';
      out += letter;
    }
  }
  return out + "'";
}

}  // namespace

std::vector<VerbWords> words_of(const CLI::App& app) {
  std::vector<VerbWords> verbs{words_of_verb(app)};
  for (const CLI::App* verb :
       app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    verbs.push_back(words_of_verb(*verb));
  return verbs;
}

std::string bash_completion(const std::vector<VerbWords>& verbs) {
  std::vector<std::string> names;
  std::string cases;
  for (const VerbWords& verb : verbs) {
    if (&verb == &verbs.front()) continue;
    names.push_back(verb.name);
    cases += fmt::format("    {})\n      options='{}'\n", verb.name, option_names(verb));
    if (takes_scenarios(verb)) cases += "      scenarios=yes\n";
    cases += "      ;;\n";
  }
  return fmt::format(kBash, join(names, " "), option_names(verbs.front()), cases);
}

std::string zsh_completion(const std::vector<VerbWords>& verbs) {
  std::string list;
  std::string cases;
  for (const VerbWords& verb : verbs) {
    if (&verb == &verbs.front()) continue;
    list += fmt::format("    {}\n", quoted(verb.name + ":" + verb.help));
    cases += fmt::format("    {})\n      _arguments -s \\\n", verb.name);
    for (const OptionWords& option : verb.options) {
      for (const std::string& name : option.names) {
        const std::string value =
            option.value.empty() ? "" : fmt::format(":{}:_files", quoted(option.value, ":[]"));
        cases += fmt::format("        '*{}'{}{} \\\n", name, quoted("[" + option.help + "]", ":"), value);
      }
    }
    cases += fmt::format("        {}\n      ;;\n",
                         takes_scenarios(verb) ? "'*:scenario:_lab_scenarios'" : "'*:file:_files'");
  }
  return fmt::format(kZsh, list, option_names(verbs.front()), cases);
}

std::string fish_completion(const std::vector<VerbWords>& verbs) {
  std::string text = kFish;
  for (const VerbWords& verb : verbs) {
    const bool program = &verb == &verbs.front();
    const std::string when = program ? "__fish_use_subcommand" : "__lab_verb_is " + verb.name;
    if (!program) {
      text += fmt::format("complete -c lab -n __fish_use_subcommand -f -a {} -d {}\n", verb.name,
                          quoted(verb.help));
      if (takes_scenarios(verb))
        text += fmt::format("complete -c lab -n '{}' -a '(lab completion scenarios 2>/dev/null)'\n", when);
    }
    for (const OptionWords& option : verb.options) {
      for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        text +=
            fmt::format("complete -c lab -n '{}' -{} {}{} -d {}\n", when, is_long ? "l" : "s",
                        name.substr(is_long ? 2 : 1), option.value.empty() ? "" : " -r", quoted(option.help));
      }
    }
  }
  return text;
}

}  // namespace lab
