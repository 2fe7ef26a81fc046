#include "lab/completion.hpp"

namespace lab {

namespace {

// A line of `lab completion words` is a word, a tab and its help, or `:files`.

constexpr std::string_view kBash = R"~(# bash completion for lab; made by: lab completion bash
_lab() {
  local line words=() files=''
  while IFS= read -r line; do
    if [[ $line == :files ]]; then files=yes; else words+=("${line%%$'\t'*}"); fi
  done < <("$1" completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#words[@]}" words < <(compgen -f -- "$2")
  fi
  COMPREPLY=("${words[@]}")
}
complete -F _lab lab
)~";

constexpr std::string_view kZsh = R"~(#compdef lab
# zsh completion for lab; made by: lab completion zsh
_lab() {
  local line files
  local -a known
  for line in "${(@f)$($words[1] completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      files=yes
    elif [[ -n $line ]]; then
      known+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done
  (( $#known )) && _describe -V lab known
  [[ -z $files ]] || _files
}
if [[ ${funcstack[1]-} == _lab ]]; then _lab "$@"; else compdef _lab lab; fi
)~";

constexpr std::string_view kFish = R"~(# fish completion for lab; made by: lab completion fish
function __lab_words
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] completion words -- $words[2..-1] 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      printf '%s\n' $line
    end
  end
end
complete -c lab -f -a '(__lab_words)'
)~";

}  // namespace

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  return shell == "fish" ? kFish : std::string_view();
}

}  // namespace lab
