#!/usr/bin/env bash
# The parts of continuous integration that take turns: each run has one of them
# besides the suite.
#
#     scripts/parts.sh            names the part whose turn it is
#     scripts/parts.sh --list     names all
#     scripts/parts.sh NAME...    runs parts; `scripts/build.sh` has run before
#
# The commit's hash chooses, or PP_CI_PART=NAME; PP_CI_PART=none leaves parts out.
#
# A part has three sizes, for the whole run to end within 60 minutes on 2 cores and
# within 90 on a machine half as fast: how late the part begins tells the machine's
# speed. PP_PART_SIZE=whole, reduced or least sets the size.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

# Each has a function of its name below, which gets the size.
PARTS=(asan tsan kernels fuzz)
# Seconds from the beginning of the run until which a part is whole, or reduced.
WHOLE_UNTIL=900
REDUCED_UNTIL=3600

size_of_part() {
  local size=least
  (($(elapsed) > REDUCED_UNTIL)) || size=reduced
  (($(elapsed) > WHOLE_UNTIL)) || size=whole
  echo "${PP_PART_SIZE:-$size}"
}

# sanitized PRESET LABELS TARGET...: builds targets under a sanitizer and runs their
# tests that have one of the LABELS (a pattern).
sanitized() {
  local preset="$1" labels="$2"
  shift 2
  quietly "build-$preset/configure.log" cmake --preset "$preset"
  say "building $* with preset $preset"
  quietly "build-$preset/build.log" ninja -C "build-$preset" -j "$(nproc)" "$@"
  # Tests whose programs were not built are called NAME_NOT_BUILT.
  run_tests "$preset" --preset "$preset" --label-regex "^($labels)$"
}

# Invalid addresses and undefined behaviour.
part_asan() {
  case "$1" in
    whole) sanitized asan 'unit|fuzz|torch|threads' pp_tests_{unit,fuzz,torch,threads} ;;
    reduced) sanitized asan unit pp_tests_unit ;;
    least) sanitized asan unit archive_test ;;
  esac
}

# Data races.
part_tsan() {
  case "$1" in
    whole) sanitized tsan 'unit|threads' pp_tests_{unit,threads} ;;
    reduced) sanitized tsan threads launch_test transport_test ;;
    least) sanitized tsan threads transport_test ;;
  esac
}

# Comparisons with Python under the kernels of older processors: sums are formed
# in another order there, and results must stay within the same tolerances.
part_kernels() {
  local tests capabilities=(default avx2) capability status=0
  case "$1" in
    whole) tests=(-L '^oracle$' -E '^(benchmarks|docs)\.|^large_file$') ;;
    reduced) tests=(-R '^oracle\.|^models\.equal\.') && capabilities=(default) ;;
    least) tests=(-R '^oracle\.(step|training)\.') && capabilities=(default) ;;
  esac
  export MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2
  for capability in "${capabilities[@]}"; do
    say "kernels: ATEN_CPU_CAPABILITY=$capability"
    ATEN_CPU_CAPABILITY="$capability" \
      run_tests "kernels_$capability" --test-dir build "${tests[@]}" || status=$?
  done
  cat build/logs/kernels_*.log >build/logs/kernels.log
  return "$status"
}

# Inputs that once failed, read again with addresses checked; then new ones.
part_fuzz() {
  local status=0 some=(zip npy safetensors pickle sympy ir_text) readers
  sanitized asan fuzz pp_tests_fuzz || status=$?
  mv build/logs/asan.log build/logs/fuzz.log
  case "$1" in
    whole)
      # `calls` looks for faults of LibTorch, which are no reason to refuse a commit.
      mapfile -t readers < <(cd tests/fuzz/corpus && printf '%s\n' * | grep -vx calls)
      scripts/fuzz.sh --seconds 5 "${readers[@]}" || status=$?
      ;;
    reduced) scripts/fuzz.sh --seconds 5 "${some[@]}" || status=$? ;;
  esac
  return "$status"
}

chosen_part() {
  local hash
  hash="$(git rev-parse --short=7 HEAD 2>/dev/null || echo 0)"
  echo "${PP_CI_PART:-${PARTS[16#$hash % ${#PARTS[@]}]}}"
}

main() {
  local part size status=0
  case "${1:-}" in
    '') chosen_part ;;
    --list) echo "${PARTS[@]}" && return ;;
  esac
  for part in "$@"; do
    if [[ " ${PARTS[*]} " != *" $part "* ]]; then
      echo "no part is named $part; there are: ${PARTS[*]}" >&2
      exit 2
    fi
    size="$(size_of_part)"
    say "part $part, $size"
    "part_$part" "$size" || status=$?
  done
  return "$status"
}

main "$@"
