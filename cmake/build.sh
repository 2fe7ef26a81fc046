# Sourced by labw: configures and builds one preset. Expects $root (the checkout).
source "$root/cmake/packages.sh"

# A compiler cache that serves every checkout on this machine: it must not see where one stands.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=true

fail() {  # EXIT_CODE TEXT…
  echo "labw: ${*:2}" >&2
  exit "$1"
}

# Rewrites one line of progress on a terminal, from what ninja has written to LOG so far; elsewhere prints it once.
show_progress() {  # LOG TITLE SHOWN (the title stands there already)
  local last shown=$3
  while sleep 0.25; do
    last=$(tail -c 2000 "$1" 2>/dev/null | grep -oE '^\[[0-9]+/[0-9]+\] (Building|Linking)' | tail -n 1) || continue
    last=${last#[} last=${last%%]*}
    if [[ -t 2 ]]; then
      printf '\r\033[Klabw: %s: %s' "$2" "${last/\// of }" >&2
    elif [[ -z $shown ]]; then
      echo "labw: $2" >&2
    fi
    shown=yes
  done
}

# What went wrong, without the thousand lines before it.
show_failure() {  # LOG
  if grep -qaE '^(FAILED|CMake Error)' "$1"; then
    sed -nE '/^(FAILED|CMake Error)/,$p' "$1" | head -n 40 >&2
  else
    tail -n 30 "$1" >&2
  fi
}

configure() {  # PRESET LOG
  local folder=$root/build/$1
  # A copied or moved checkout brings a folder along that points to the old place.
  if [[ -e $folder/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf -- "$folder"
  fi
  # Ninja notices changed CMakeLists.txt by itself, but knows nothing of presets.
  [[ -e $folder/build.ninja && ! $root/CMakePresets.json -nt $folder/build.ninja &&
    $(cat "$folder/.labw-found" 2>/dev/null) == "$(found_here)" ]] && return
  (cd -- "$root" && cmake --preset "$1") >"$2" 2>&1 && found_here >"$folder/.labw-found"
}

build() {  # PRESET TARGET
  local folder=$root/build/$1 log=$root/build/$1.log stamp started title=building shown='' status=0 watcher
  stamp=$folder/.labw-$2
  mkdir -p "$root/build" 2>/dev/null || fail 3 "cannot create $root/build; copy the checkout to a folder that you may write"
  install_packages build || exit 3
  { exec 9>"$root/build/$1.lock"; } 2>/dev/null || fail 3 "cannot write $root/build; build as the user who owns it"
  if command -v flock >/dev/null && ! flock -n 9; then
    echo "labw: another labw is building here; waiting for it" >&2
    flock 9
    if [[ $1 == release ]] && ! stale "$2"; then
      exec 9>&-
      return
    fi
  fi
  if [[ ! -e $folder/build.ninja ]]; then
    # About two thirds of a second a file where many are compiled together; with the tests twice that.
    local files
    files=$(cd -- "$root" && find lab harness scenarios results -name '*.cpp' | wc -l)
    [[ $2 == programs ]] || files=$((files * 2))
    local minutes=$((files * 2 / 3 / $(nproc) / 60 + 1))
    title="building $1, about $minutes minute$( ((minutes == 1)) || echo s)${LABW_NEXT:+, then ${LABW_NEXT:0:26}}"
    if [[ -t 2 ]]; then printf 'labw: %s' "$title" >&2; else echo "labw: $title" >&2; fi
    shown=yes
  fi
  started=$folder.started
  touch "$started"  # what changes from now on is newer than this build
  show_progress "$log" "$title" "$shown" 9>&- &
  watcher=$!
  # shellcheck disable=SC2064
  trap "kill $watcher 2>/dev/null" EXIT
  if configure "$1" "$log"; then
    NINJA_STATUS='[%f/%t] ' ninja -C "$folder" "$2" >"$log" 2>&1 9>&- || status=$?
  else
    status=1
  fi
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  trap - EXIT
  [[ -t 2 ]] && printf '\r\033[K' >&2
  if ((status == 130)); then exit 130; fi
  if ((status != 0)); then
    show_failure "$log"
    command -v dpkg-query >/dev/null || other_systems build
    echo "labw: the build failed; all of its output: $log" >&2
    exec 9>&-
    return 3
  fi
  touch -r "$started" "$stamp"
  rm -f "$started"
  exec 9>&-
}

setup() {  # [--with SECTION]…: packages alone
  local sections=(build) known
  known=$(sed -nE 's/^([a-z]+) .*/\1/p' "$root/cmake/packages.txt" | sort -u | paste -sd ' ')
  while (($#)); do
    if [[ $1 == --with && $# -ge 2 ]]; then
      [[ " $known " == *" $2 "* ]] || fail 2 "unknown set of packages '$2'; there are: $known"
      sections+=("$2")
      shift 2
    else
      fail 2 "labw setup takes --with SET, as: labw setup --with fastapi (sets: $known)"
    fi
  done
  install_packages "${sections[@]}" || exit 3
  echo "labw: all packages are here: ${sections[*]}"
}
