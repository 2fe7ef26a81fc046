# bash completion for lab and labw; made by: lab completion bash
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
