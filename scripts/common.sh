# shellcheck shell=bash
# Sourced by the other scripts: where the project is, and how to say things.

set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
# shellcheck disable=SC2034  # for the scripts that source this one
PYTHON="$ROOT/.venv/bin/python"
# Git may read this repository even where another user owns it, as in containers.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$ROOT"
# Tests start Python hundreds of times. Its compiled files go to the build folder
# instead of among the sources.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$ROOT/build/pycache"
# Scripts that call one another share it, so that times count from the first.
export PP_STARTED="${PP_STARTED:-$(date +%s)}"

elapsed() { echo "$(($(date +%s) - PP_STARTED))"; }

say() { printf '==> [%4d s] %s\n' "$(elapsed)" "$*"; }

# quietly LOG COMMAND...: sends the command's output to LOG and, where it fails,
# the end of it to the terminal.
quietly() {
  local log="$1" status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    tail -n 40 "$log" >&2
    echo "failed ($status): $*" >&2
    echo "all of its output: $log" >&2
  fi
  return "$status"
}

# run_tests NAME ARG...: runs ctest with the arguments, one test per core, and
# keeps its output in build/logs/NAME.log for test_summary.
run_tests() {
  local log="$ROOT/build/logs/$1.log" cores status=0
  shift
  mkdir -p "$(dirname "$log")"
  # nproc heeds OMP_NUM_THREADS, so cores are counted before it is set. With more
  # than one thread per test, tests would wait for each other's threads.
  cores="$(nproc)"
  OMP_NUM_THREADS=1 ctest --output-on-failure --no-tests=error \
    --parallel "$cores" "$@" 2>&1 | tee "$log" || status=$?
  ((status == 0)) || echo "ctest ended with exit code $status" >>"$log"
  return "$status"
}

# test_summary NAME...: prints ctest's summary of each run with the tests that
# failed, then the sum of all; fails where one of them failed.
test_summary() {
  local name line lines log passed=0 failed=0
  local summary='tests passed, ([0-9]+) tests? failed out of ([0-9]+)'
  for name in "$@"; do
    log="$ROOT/build/logs/$name.log"
    mapfile -t lines < <(grep -sE "$summary" "$log")
    for line in "${lines[@]:-no summary: see $log}"; do
      printf '%-8s %s\n' "$name" "$line"
      if [[ "$line" =~ $summary ]]; then
        ((failed += BASH_REMATCH[1])) || true
        ((passed += BASH_REMATCH[2] - BASH_REMATCH[1])) || true
      else
        ((++failed))
      fi
    done
    grep -shE '^\s+[0-9]+ - .*\((Failed|Timeout|Not Run|SEGFAULT|Subprocess)' "$log" || true
  done
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
