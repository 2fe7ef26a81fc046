# Sourced by labw: `labw test`. Expects $root (the checkout) and stale().
source "$root/cmake/build.sh"

suite_help() {
  cat <<'HELP'
labw test [--quick | --release | --format | --tidy | --asan | --tsan | --all]…

  --all      release, format, tidy, asan and tsan, which is what CI runs (the default)
  --release  release build, warnings are errors; all tests: unit, layering, end to end
  --format   clang-format agrees with every source
  --tidy     clang-tidy over all sources, every finding is an error
  --asan     address and undefined-behaviour sanitizers; unit tests, the end-to-end tests of servers, faults and load, fuzzers
  --tsan     thread sanitizer; unit and mode tests of the modules that have threads
  --quick    release build with unit tests and layering alone, and the format: a minute

The end names what was skipped and why, which tests needed a second attempt, and the ten slowest. The last line counts Catch2
test cases, unittest cases and checks (format and tidy are one each): N passed, N failed, N skipped.
Exit code 0 when nothing failed, else 1; 2 for an unknown option.
HELP
}

in_color() {  # CODE TEXT
  if [[ -t 1 && -z ${NO_COLOR-} ]]; then printf '\033[%sm%s\033[0m\n' "$1" "$2"; else printf '%s\n' "$2"; fi
}

passed=0
failed=0
skipped=0
summary=()

run_stage() {  # NAME COMMAND…: the command prints, and leaves `PASSED FAILED SKIPPED ATTEMPTS` in $tally
  local name=$1 started=$SECONDS good bad left again
  in_color 1 "== $name"
  printf '0 1 0 0\n' >"$tally"  # whatever dies before it has counted is one failure
  "${@:2}" || true
  read -r good bad left again <"$tally"
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
  summary+=("$(printf '%-8s %5d passed %4d failed %4d skipped %4d second attempts %5d s' \
    "$name" "$good" "$bad" "$left" "$again" $((SECONDS - started)))")
}

sources() {  # PATTERN…: what git knows or would add; all files where this is no git checkout
  (cd -- "$root" && { git ls-files -z --cached --others --exclude-standard -- "$@" 2>/dev/null ||
    find bench harness lab results scenarios tests \( -name '*.cpp' -o -name '*.hpp' \) -print0; }) |
    while IFS= read -r -d '' file; do
      # git still lists a file that was deleted but not yet committed.
      for pattern in "$@"; do
        # shellcheck disable=SC2053
        [[ $file == $pattern && -e $root/$file ]] && printf '%s\0' "$file"
      done
    done || true
}

check_format() {
  local log=$root/build/format.log
  if (cd -- "$root" && sources '*.cpp' '*.hpp' | xargs -0 -r clang-format-14 --dry-run -Werror) >"$log" 2>&1; then
    echo '1 0 0 0' >"$tally"
  else
    echo "clang-format-14 -i puts these files right:"
    sed -nE 's/^([^:]+):[0-9]+:[0-9]+: .*/\1/p' "$log" | sort -u
  fi
}

# A unit that was clean is not looked at again while nothing that it includes has changed: a file for each holds the
# checksums of it all, for every checkout on this machine.
tidy_unit() {  # UNIT: its findings, and 1 where there are any
  local unit=$1 command seen
  command=$(jq -r --arg unit "$unit" 'first(.[] | select(.file == $unit)) | .command' "$tidy_database" |
    sed -E 's/ -o [^ ]+//; s/ -c / -MM /')
  seen=$tidy_clean/$({ echo "$command"; clang-tidy-14 --version; cat "$root/.clang-tidy"; } |
    sed "s|$root||g" | sha256sum | cut -d ' ' -f 1)
  cd "$root" || return
  [[ -e $seen ]] && sha256sum --check --status "$seen" 2>/dev/null && return
  local sums
  # shellcheck disable=SC2086  # the compiler's own words, in which no path has a blank
  sums=$( (cd "${tidy_database%/*}" && ${command#*ccache } 2>/dev/null) | tr -d '\\\n' | tr ' ' '\n' |
    grep -E "^($root/|\.\./)" | sed -E "s|^$root/||; s|^(\.\./)+||" | sort -u | xargs sha256sum)
  clang-tidy-14 --quiet -p "${tidy_database%/*}" "$unit" && echo "$sums" >"$seen"
}

check_tidy() {
  rm -f "$root/build/tidy/build.ninja"  # nothing is built there, so only configuring notices sources that come and go
  configure tidy "$root/build/tidy.log" || { show_failure "$root/build/tidy.log"; return; }
  local log=$root/build/tidy.log units
  export root tidy_database=$root/build/tidy/compile_commands.json tidy_clean=${XDG_CACHE_HOME:-$HOME/.cache}/lab-tidy
  export -f tidy_unit
  mkdir -p "$tidy_clean"
  find "$tidy_clean" -type f -mtime +30 -delete
  # What the compiler is given: our sources, most of them many together (.cxx), and not those that the build makes. The
  # servers on io_uring are the same sources once more.
  mapfile -t units < <(jq -r '.[].file' "$tidy_database" | grep -vE "^$root/build/.*\.cpp$|/lab-io-uring\.dir/" | sort -u)
  ((${#units[@]})) || { echo "build/tidy/compile_commands.json names no source"; return; }
  # One process for each: a header's finding repeats, and a file with a finding does not hide the others.
  if printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy_unit "$1"' _ >"$log" 2>&1; then
    echo '1 0 0 0' >"$tally"
  else
    grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated|^Error while processing|^$' "$log" | head -n 200
  fi
}

# Sanitizers of GCC 12 do not start where the kernel places mappings with 32 random bits; setarch takes the randomness
# away, where a container lets it.
without_randomness() {
  if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

build_and_test() {  # PRESET TARGET CTEST_OPTION…
  local folder=$root/build/$1 junit=$root/build/$1-tests.xml jobs
  jobs=$(($(nproc) * 2))  # most tests wait for processes; what is timed takes half of them, or all
  (build "$1" "$2") || return 0
  rm -f "$junit"
  without_randomness ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$jobs" --timeout 600 \
    --output-junit "$junit" --test-output-size-passed 1000000 --test-output-size-failed 1000000 "${@:3}" || true
  local counted
  if counted=$(python3 -B "$root/tests/count_tests.py" "$junit" "$notes"); then echo "$counted" >"$tally"; fi
}

# The page is built first: what is there becomes part of the program.
test_release() {
  (build release page) || return 0
  build_and_test release all
}

run_suite() {
  local stages=() option tally=$root/build/tally notes=$root/build/notes
  (($#)) || set -- --all
  for option in "$@"; do
    case $option in
      --all) stages+=(release format tidy asan tsan) ;;
      --quick) stages+=(quick format) ;;
      --release | --format | --tidy | --asan | --tsan) stages+=("${option#--}") ;;
      -h | --help) suite_help; exit 0 ;;
      *) fail 2 "unknown option '$option'; labw test --help names them all" ;;
    esac
  done
  install_packages build fastapi png page test || exit 3
  mkdir -p "$root/build"
  trap 'exit 130' INT
  exec 8>"$root/build/test.lock"
  flock -n 8 || fail 3 "another labw test is running in this checkout"
  # Nothing of the caller's may change a test, and no test may leave a file in the checkout.
  unset LAB_SCENARIOS
  export PYTHONDONTWRITEBYTECODE=1 CLICOLOR_FORCE=0
  export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
  export TSAN_OPTIONS="halt_on_error=1:exitcode=99:die_after_fork=0:suppressions='$root/cmake/tsan.supp'"
  : >"$notes"
  for option in "${stages[@]}"; do
    case $option in
      quick) run_stage quick build_and_test release all -LE e2e ;;
      release) run_stage release test_release ;;
      asan) run_stage asan build_and_test asan all -L 'unit|sanitized' ;;
      tsan) run_stage tsan build_and_test tsan threaded -L threaded ;;
      format) run_stage format check_format ;;
      tidy) run_stage tidy check_tidy ;;
    esac 8>&-
  done
  rm -f "$tally"
  echo
  grep -E '^(skipped|second attempt):' "$notes" | sort | uniq -c | sed -E 's/^ *1 //; s/^ *([0-9]+) (.*)$/\2 (\1 times)/' || true
  if grep -q '^took:' "$notes"; then
    echo "slowest tests:"
    sed -n 's/^took: //p' "$notes" | sort -rn | head -n 10 | cut -c 1-150
  fi
  printf '%s\n' "${summary[@]}"
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0)) || exit 1
}
