# Sourced by labw and .ci/run: which packages of packages.txt are missing, and how they get here.
# Expects $root (the checkout).

packages_of() {  # SECTION…: their packages by this system's names, a line each
  local section package rest
  while read -r section package rest; do
    [[ " $* " == *" $section "* ]] || continue
    # `command:package`: another vendor's package of that command would conflict with Debian's.
    if [[ $package == *:* ]] && command -v "${package%%:*}" >/dev/null; then continue; fi
    name_here "${package#*:}"
  done <"$root/cmake/packages.txt" || true
}

# Of `debian|ubuntu` the name that is installed or that apt knows here, else the first.
name_here() {  # NAME[|NAME…]
  local name
  if [[ $1 == *'|'* ]]; then
    for name in ${1//|/ }; do
      # What another package only names is known to dpkg, too.
      if [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed || -n $(apt-cache show "$name" 2>/dev/null) ]]; then
        printf '%s\n' "$name"
        return
      fi
    done
  fi
  printf '%s\n' "${1%%|*}"
}

missing_packages() {  # SECTION…
  local wanted installed
  wanted=$(packages_of "$@")
  # shellcheck disable=SC2086  # one word per package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p') || true
  local package
  for package in $wanted; do
    [[ $'\n'$installed$'\n' == *$'\n'$package$'\n'* ]] || printf '%s ' "$package"
  done
}

other_systems() {  # SECTION…: the list by library and version, on stderr
  local section package rest
  echo "On other systems install these by your own means:"
  while read -r section package rest; do
    if [[ " $* " == *" $section "* ]]; then echo "  $rest"; fi
  done <"$root/cmake/packages.txt"
} >&2

# What the lab can do without, of PACKAGE: the words behind `optional:` in its line, or nothing.
optional_part() {  # PACKAGE
  sed -nE "s/^[a-z]+ +([^ ]*[:|])?$1(\|[^ ]*)? .*\(optional: (.*)\)\$/\3/p" "$root/cmake/packages.txt"
}

# Names what is missing, then installs it; where it may not, says what to type and returns 3.
install_packages() {  # SECTION…
  command -v dpkg-query >/dev/null || return 0  # not Debian: CMake will name what it does not find
  local missing
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  missing=${missing% }
  echo "labw: missing Debian packages: $missing" >&2
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    echo "labw: there is no apt-get here." >&2
    other_systems "$@"
    return 3
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "labw: installing them needs root. Type this, then start again:" >&2
      echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends $missing'" >&2
      echo "or with sudo:" >&2
      echo "  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends $missing'" >&2
      other_systems "$@"
      return 3
    fi
    as_root=(sudo -n)
  fi
  echo "labw: installing them with apt-get" >&2
  mkdir -p "$root/build"
  local log=$root/build/apt.log
  local apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get
             -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -y)
  local attempt package wanted part
  for attempt in 1 2 3; do
    if "${apt[@]}" update </dev/null >"$log" 2>&1; then
      wanted=''
      for package in $missing; do  # an older distribution may lack what the lab can do without
        part=$(optional_part "$package")
        if [[ -n $part && -z $(apt-cache show "$package" 2>/dev/null) ]]; then
          echo "labw: this system has no package $package; left out: $part" >&2
        else
          wanted+=" $package"
        fi
      done
      # shellcheck disable=SC2086
      if [[ -z $wanted ]] || "${apt[@]}" install --no-install-recommends $wanted </dev/null >>"$log" 2>&1; then
        return 0
      fi
    fi
    ((attempt == 3)) || sleep $((attempt * 5))
  done
  echo "labw: apt-get cannot install $missing (no network? all that it said: $log)" >&2
  return 3
}
