#!/usr/bin/env bash
# Builds the given targets, or everything, into build/ (preset `release`).
#
#     scripts/build.sh [TARGET...]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Filters ninja's output: progress appears every half minute, everything else
# (warnings, and errors, which begin with FAILED) at once.
show_progress() {
  local line last=$SECONDS
  while IFS= read -r line; do
    if [[ "$line" =~ ^\[([0-9]+)/([0-9]+)\]\ [A-Z] ]]; then
      if ((SECONDS - last >= 30)); then
        last=$SECONDS
        say "built ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} files"
      fi
    elif [[ "$line" != *"no work to do"* && "$line" != "-- "* &&
      "$line" != "ninja: Entering directory"* ]]; then
      printf '%s\n' "$line"
    fi
  done
}

main() {
  local what="${*:-everything}"
  cd "$ROOT"
  if [[ ! -f build/build.ninja ]]; then
    say "configuring the build"
    quietly build/configure.log cmake --preset release
  fi
  say "building $what with $(nproc) cores"
  ninja -C build -j "$(nproc)" "$@" 2>&1 | show_progress
  say "built $what"
}

main "$@"
