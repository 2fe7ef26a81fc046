#include "lab/cli/completion.hpp"

namespace lab {

namespace {

// A line of `lab completion words` is a word, a tab and its help; `:files` where names of files fit too, and
// `:nospace` where more must follow the word at once. The words of the line are passed on as they were typed.
// labw would build what is stale: the program that it built last is asked in its place.

constexpr std::string_view kBash = R"~(# bash completion for lab and labw; made by: lab completion bash
_lab() {
  local line words=() files='' program=${1//[\"\'\\]/}
  program=${program/#\~\//"$HOME"/} program=${program/#\$HOME\//"$HOME"/}
  if [[ ${program##*/} == labw ]]; then
    program=$(type -P -- "$program") || return
    program=$(dirname -- "$(readlink -f -- "$program")")/build/release/bin/lab
  fi
  while IFS= read -r line; do
    case $line in
      :files) files=yes ;;
      :nospace) compopt -o nospace 2>/dev/null ;;
      *) words+=("${line%%$'\t'*}") ;;
    esac
  done < <("$program" completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ -n $files && ${#words[@]} == 0 ]]; then
    compopt -o default 2>/dev/null
  elif [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#words[@]}" words < <(compgen -f -- "$2")
  fi
  COMPREPLY=("${words[@]}")
}
complete -F _lab lab labw
)~";

constexpr std::string_view kZsh = R"~(#compdef lab labw
# zsh completion for lab and labw; made by: lab completion zsh
_lab() {
  local line files program=${(Q)words[1]}
  local -a known end
  program=${${program/#\~\//$HOME/}/#\$HOME\//$HOME/}
  if [[ ${program:t} == labw ]]; then
    program=$(whence -p -- $program) || return
    program=${program:A:h}/build/release/bin/lab
  fi
  for line in "${(@f)$($program completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      (:files) files=yes ;;
      (:nospace) end=(-S '') ;;
      (*$'\t'?*) known+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      (?*) known+=("${${line%$'\t'}//:/\\:}") ;;
    esac
  done
  (( $#known )) && _describe -V lab known "${(@)end}"
  if [[ -n $files ]]; then
    [[ $PREFIX != --*=* ]] || compset -P 1 '*='
    _files
  fi
}
if [[ ${funcstack[1]-} == _lab ]]; then _lab "$@"; else compdef _lab lab labw; fi
)~";

constexpr std::string_view kFish = R"~(# fish completion for lab and labw; made by: lab completion fish
function __lab_ask
  set -l words (commandline -opc) (commandline -ct)
  set -l program (string replace -r '^(~|\$HOME)/' $HOME/ -- $words[1])
  set program (command -s $program); or return
  if string match -qr '(^|/)labw$' -- $program
    set program (dirname (realpath $program))/build/release/bin/lab
    test -x $program; or return
  end
  $program completion words -- $words[2..-1] 2>/dev/null
end
function __lab_wants_files
  __lab_ask | string match -q :files
end
complete -c lab -c labw -f -a '(__lab_ask | string match -v ":*")'
complete -c lab -c labw -n __lab_wants_files -F
)~";

}  // namespace

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  return shell == "fish" ? kFish : std::string_view();
}

}  // namespace lab
