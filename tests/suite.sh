# Sourced by labw: `labw test`. Expects $root (the checkout) and stale().
source "$root/cmake/build.sh"

suite_help() {
  cat <<'HELP'
labw test [--quick | --release | --format | --tidy | --asan | --tsan | --all]…

  --all      release, format, tidy, asan and tsan, which is what CI runs (the default)
  --release  release build, warnings are errors; all tests: unit, layering, end to end
  --format   clang-format agrees with every source
  --tidy     clang-tidy over all sources, every finding is an error
  --asan     address and undefined-behaviour sanitizers; all tests but those that hold measured times against theory
  --tsan     thread sanitizer; unit and mode tests of the modules that have threads
  --quick    release build with unit tests and layering alone, and the format: a minute

The last line counts Catch2 test cases, unittest cases and checks (format and tidy are one each): N passed, N failed.
Exit code 0 when nothing failed, else 1; 2 for an unknown option.
HELP
}

in_color() {  # CODE TEXT
  if [[ -t 1 && -z ${NO_COLOR-} ]]; then printf '\033[%sm%s\033[0m\n' "$1" "$2"; else printf '%s\n' "$2"; fi
}

passed=0
failed=0
summary=()

count() {  # STAGE SECONDS PASSED FAILED
  passed=$((passed + $3)) failed=$((failed + $4))
  summary+=("$(printf '%-10s %5d passed %5d failed %6d s' "$1" "$3" "$4" "$2")")
}

run_stage() {  # NAME COMMAND…: the command prints, and leaves `PASSED FAILED` in $tally
  local name=$1 started=$SECONDS good bad
  in_color 1 "== $name"
  printf '0 1\n' >"$tally"  # whatever dies before it has counted is one failure
  "${@:2}" || true
  read -r good bad <"$tally"
  count "$name" $((SECONDS - started)) "$good" "$bad"
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
  if (cd -- "$root" && sources '*.cpp' '*.hpp' | xargs -0 -r clang-format --dry-run -Werror) >"$log" 2>&1; then
    echo '1 0' >"$tally"
  else
    echo "clang-format -i puts these files right:"
    sed -nE 's/^([^:]+):[0-9]+:[0-9]+: .*/\1/p' "$log" | sort -u
  fi
}

check_tidy() {
  configure tidy "$root/build/tidy.log" || { show_failure "$root/build/tidy.log"; return; }
  local log=$root/build/tidy.log units
  # What the compiler is given: our sources, most of them eight together (.cxx), and not those that the build makes.
  mapfile -t units < <(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$root/build/tidy/compile_commands.json" |
    grep -vE "^$root/build/.*\.cpp$")
  ((${#units[@]})) || { echo "build/tidy/compile_commands.json names no source"; return; }
  # One process for each: a header's finding repeats, and a file with a finding does not hide the others.
  if printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p "$root/build/tidy" >"$log" 2>&1; then
    echo '1 0' >"$tally"
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
  local folder=$root/build/$1 junit=$root/build/$1-tests.xml
  (build "$1" "$2") || return 0
  rm -f "$junit"
  without_randomness ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$(nproc)" --timeout 600 \
    --output-junit "$junit" --test-output-size-passed 1000000 --test-output-size-failed 1000000 "${@:3}" || true
  local counted
  if counted=$(python3 -B "$root/tests/count_tests.py" "$junit"); then echo "$counted" >"$tally"; fi
}

run_suite() {
  local stages=() option tally=$root/build/tally
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
  install_packages build fastapi test || exit 3
  mkdir -p "$root/build"
  trap 'exit 130' INT
  exec 8>"$root/build/test.lock"
  flock -n 8 || fail 3 "another labw test is running in this checkout"
  # Nothing of the caller's may change a test, and no test may leave a file in the checkout.
  unset LAB_SCENARIOS
  export PYTHONDONTWRITEBYTECODE=1 CLICOLOR_FORCE=0
  export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
  export TSAN_OPTIONS="halt_on_error=1:exitcode=99:die_after_fork=0:suppressions='$root/cmake/tsan.supp'"
  for option in "${stages[@]}"; do
    case $option in
      quick) run_stage quick build_and_test release all -LE 'e2e|measured' ;;
      release) run_stage release build_and_test release all ;;
      asan) run_stage asan build_and_test asan all -LE 'static|measured' ;;
      tsan) run_stage tsan build_and_test tsan threaded -L threaded ;;
      format) run_stage format check_format ;;
      tidy) run_stage tidy check_tidy ;;
    esac 8>&-
  done
  rm -f "$tally"
  echo
  printf '%s\n' "${summary[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
}
