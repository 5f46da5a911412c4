#!/usr/bin/env bash
# Sets up, builds everything and runs every test. Further arguments go to ctest:
#
#     scripts/test.sh [-L unit] [-R split] ...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$ROOT/scripts/setup.sh"
"$ROOT/scripts/build.sh"
say "running the tests"
cd "$ROOT"
# Two tests at a time, whose threads would otherwise wait for each other's.
export OMP_NUM_THREADS=1
exec ctest --test-dir build --output-on-failure --no-tests=error \
  --parallel "$(nproc)" "$@"
