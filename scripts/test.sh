#!/usr/bin/env bash
# Sets up, builds everything, runs every test and one of the parts that take turns
# (scripts/parts.sh). With arguments, ctest gets them, and no part follows:
#
#     scripts/test.sh [-L unit] [-R split] ...
#
# The last lines sum up all tests that ran.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
  local runs=(suite) part=none status=0
  "$ROOT/scripts/setup.sh"
  "$ROOT/scripts/build.sh"
  cd "$ROOT"
  rm -rf build/logs
  say "running the tests"
  run_tests suite --test-dir build "$@" || status=$?
  (($#)) || part="$("$ROOT/scripts/parts.sh")"
  if [[ "$part" != none ]]; then
    "$ROOT/scripts/parts.sh" "$part" || status=$?
    runs+=("$part")
  fi
  say "done"
  test_summary "${runs[@]}" || status=1
  return "$status"
}

main "$@"
