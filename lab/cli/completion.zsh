#compdef lab labw
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
