#!/usr/bin/env bash
# Sets up, builds everything and runs every test. Further arguments go to ctest:
#
#     scripts/test.sh [-L unit] [-R split] ...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$ROOT/scripts/setup.sh"
"$ROOT/scripts/build.sh"
say "running the tests"
cd "$ROOT"
# A test for each core at a time; threads of several would wait for each other's.
# Cores are counted first: nproc goes by this variable too.
cores="$(nproc)"
export OMP_NUM_THREADS=1
exec ctest --test-dir build --output-on-failure --no-tests=error \
  --parallel "$cores" "$@"
