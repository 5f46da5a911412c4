#!/usr/bin/env bash
# Fuzzes the harnesses of tests/fuzz with clang's libFuzzer: builds them with preset
# `fuzz`, and installs clang where it is missing.
#
#     scripts/fuzz.sh --minutes N [NAME...]    all N minutes long, or those named
#     scripts/fuzz.sh --seconds N [NAME...]    each N seconds long
#
# Inputs that reach new code stay in build-fuzz/corpus/NAME for the next run. Inputs
# that crash, take 5 s (FUZZ_TIMEOUT sets another limit, for a busy machine) or 1 GB
# are findings: they go to tests/fuzz/regressions/NAME, and the exit code is 1.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

COMPILER=clang-16
BUILD=build-fuzz
# The memory includes what a program needs itself, with LibTorch some 700 MB.
LIMITS=(-rss_limit_mb=1800 -malloc_limit_mb=1024 -timeout="${FUZZ_TIMEOUT:-5}")

usage() {
  sed -n '2,/^source/{/^source/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

all_harnesses() { (cd tests/fuzz/corpus && echo *); }

build() {
  if ! command -v "$COMPILER" >/dev/null; then
    scripts/setup.sh "$COMPILER" "libclang-rt-${COMPILER#clang-}-dev"
  fi
  quietly "$BUILD/configure.log" cmake --preset fuzz
  say "building $# harnesses with preset fuzz"
  quietly "$BUILD/build.log" ninja -C "$BUILD" -j "$(nproc)" "${@/#/fuzz_}"
}

# fuzz NAME SECONDS: runs one harness; what it says goes to build-fuzz/logs/NAME.log.
fuzz() {
  local name="$1" tests=tests/fuzz
  local found="$BUILD/findings/$1" corpus="$BUILD/corpus/$1"
  mkdir -p "$found" "$corpus"
  "$BUILD/$tests/fuzz_$name" -max_total_time="$2" -seed="$(((RANDOM << 15) + RANDOM + 1))" \
    "${LIMITS[@]}" -max_len=100000 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$found/" -dict="$tests/dictionaries/$name.dict" \
    "$corpus" "$tests/corpus/$name" "$tests/regressions/$name" \
    >"$BUILD/logs/$name.log" 2>&1 || true
}

# report NAME: prints a row, and copies what was found. Fails where there is a finding.
report() {
  local name="$1" log="$BUILD/logs/$1.log" found runs covered total file status=0
  runs="$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$log")"
  covered="$(sed -nE 's/^#[0-9]+.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)"
  total="$(sed -nE 's/.*Loaded 1 modules +\(([0-9]+) .*/\1/p' "$log")"
  mapfile -t found < <(find "$BUILD/findings/$name" -type f ! -name 'slow-unit-*')
  printf '%-18s %12s %10s of %-8s %s\n' "$name" "${runs:-?}" "${covered:-?}" \
    "${total:-?}" "${#found[@]}"
  for file in "${found[@]}"; do
    mv "$file" "tests/fuzz/regressions/$name/"
    echo "    tests/fuzz/regressions/$name/$(basename "$file")"
    status=1
  done
  grep -m 3 -E '^SUMMARY|: runtime error:|^false: |what\(\):' "$log" || true
  # A harness that doesn't get to its summary has failed in some other way.
  [[ -n "$runs" ]] || status=1
  ((status == 0)) || echo "    all of its output: $log"
  return "$status"
}

main() {
  local unit="${1:-}" number="${2:-}" names name seconds status=0
  [[ "$unit" =~ ^--(minutes|seconds)$ && "$number" =~ ^[0-9]+$ ]] || usage
  shift 2
  read -ra names <<<"${*:-$(all_harnesses)}"
  for name in "${names[@]}"; do
    [[ -d "tests/fuzz/corpus/$name" ]] || {
      echo "no harness is named $name; there are: $(all_harnesses)" >&2
      exit 2
    }
  done
  build "${names[@]}"
  seconds="$number"
  if [[ "$unit" == --minutes ]]; then
    seconds="$((number * 60 * $(nproc) / ${#names[@]} + 1))"
  fi
  rm -rf "$BUILD/findings" "$BUILD/logs"
  mkdir -p "$BUILD/logs"
  say "fuzzing ${#names[@]} harnesses, $seconds s each, $(nproc) at a time"
  export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0:quarantine_size_mb=16
  ASAN_OPTIONS+=:allow_addr2line=1
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:allow_addr2line=1
  for name in "${names[@]}"; do
    while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
    fuzz "$name" "$seconds" &
  done
  wait
  printf '%-18s %12s %10s    %-8s %s\n' harness executions edges '' findings
  for name in "${names[@]}"; do
    report "$name" || status=1
  done
  return "$status"
}

main "$@"
