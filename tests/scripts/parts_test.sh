#!/usr/bin/env bash
# Runs scripts/test.sh with a fake ctest: which runs it makes, and what it sums up.
#
#     parts_test.sh PROJECT_ROOT
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pp" "$work/bin"
cp -r "$1/scripts" "$work/pp/scripts"

stub() {
  printf '#!/bin/bash\n%s\n' "$2" >"$1"
  chmod 755 "$1"
}
stub "$work/pp/scripts/setup.sh" ''
stub "$work/pp/scripts/build.sh" ''
stub "$work/bin/cmake" ''
stub "$work/pp/scripts/fuzz.sh" 'echo "fuzz.sh $*" >>"$CALLS"'
stub "$work/bin/ninja" 'echo "ninja $*" >>"$CALLS"'

fail() {
  echo "FAILED: $*" >&2
  cat "$work/out" "$work/calls" >&2
  exit 1
}

# run NAME=VALUE... [-- ARG...]: test.sh with these variables and arguments
run() {
  local variables=()
  while (($#)) && [[ "$1" != -- ]]; do
    variables+=("$1")
    shift
  done
  : >"$work/calls"
  status=0
  env -u PP_STARTED -u PP_CI_PART -u PP_PART_SIZE PATH="$work/bin:$PATH" \
    CALLS="$work/calls" "${variables[@]}" \
    bash "$work/pp/scripts/test.sh" "${@:2}" >"$work/out" 2>&1 || status=$?
}

ends_with() { [[ "$(tail -n 1 "$work/out")" == "$1" ]] || fail "not at the end: $1"; }
calls() { grep -qE -- "$1" "$work/calls" || fail "no call like $1"; }

passing='echo "ctest $* [${ATEN_CPU_CAPABILITY:-}]" >>"$CALLS"
echo "100% tests passed, 0 tests failed out of 7"'
stub "$work/bin/ctest" "$passing"
run PP_CI_PART=kernels
((status == 0)) || fail "kernels: exit $status"
calls 'ctest .*--test-dir build \[\]'
calls 'ctest .*-L \^oracle.*\[avx2\]'
calls 'ctest .*-L \^oracle.*\[default\]'
ends_with "21 passed, 0 failed"

# A machine that began long ago is slow, and gets smaller parts.
run PP_CI_PART=asan
calls 'ninja -C build-asan .*pp_tests_torch'
run PP_CI_PART=asan PP_STARTED="$(($(date +%s) - 3000))"
calls 'ninja -C build-asan -j [0-9]+ pp_tests_unit$'
run PP_CI_PART=asan PP_STARTED="$(($(date +%s) - 4000))"
calls 'ninja -C build-asan -j [0-9]+ archive_test$'
ends_with "14 passed, 0 failed"

# Known inputs first, then new ones, as far as there is time.
run PP_CI_PART=fuzz
calls 'ctest .*--label-regex \^\(fuzz\)'
calls 'fuzz.sh --seconds 5$'
run PP_CI_PART=fuzz PP_STARTED="$(($(date +%s) - 4000))"
calls 'ninja -C build-asan -j [0-9]+ pp_tests_fuzz$'
! grep -q ^fuzz.sh "$work/calls" || fail "too late for new inputs"
ends_with "14 passed, 0 failed"

# The commit decides without a word; none, or arguments, mean no part.
run PP_CI_PART=
[[ "$(grep -c ^ctest "$work/calls")" -gt 1 ]] || fail "no part has its turn"
run PP_CI_PART=none
ends_with "7 passed, 0 failed"
run PP_CI_PART=asan -- -L unit
calls 'ctest .*-L unit'
ends_with "7 passed, 0 failed"

# A red part makes the run red, as does a ctest that never comes to its summary.
stub "$work/bin/ctest" "if [[ \"\$*\" != *preset* ]]; then
$passing; exit 0; fi
echo '71% tests passed, 2 tests failed out of 7'; exit 8"
run PP_CI_PART=tsan
((status != 0)) || fail "a red part: exit 0"
ends_with "12 passed, 2 failed"
stub "$work/bin/ctest" 'exit 1'
run PP_CI_PART=none
((status != 0)) || fail "no summary: exit 0"
ends_with "0 passed, 1 failed"
