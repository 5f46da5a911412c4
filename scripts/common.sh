# shellcheck shell=bash
# Sourced by the other scripts: where the project is, and how to say things.

set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
PYTHON="$ROOT/.venv/bin/python"
# Tests start Python hundreds of times: it keeps what it has compiled, with the
# build instead of among the sources.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$ROOT/build/pycache"
# Shared by the scripts that call one another, so that times count from the first.
export PP_STARTED="${PP_STARTED:-$(date +%s)}"

say() {
  printf '==> [%4d s] %s\n' "$(($(date +%s) - PP_STARTED))" "$*"
}

# quietly LOG COMMAND...: the command's output goes to LOG, and only where it
# fails, the end of it to the terminal.
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
