#!/usr/bin/env bash
# Checks the text of the sources: needs no build.
#
#     scripts/lint.sh [CHECK...]    the checks named, or all of them
#
# ctest runs each check as lint.CHECK (tests/lint).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

CHECKS=(format includes hosts ruff ruff_format shellcheck sizes comments tidy)

# files PATTERN...: the repository's files of these patterns, new ones too.
files() {
  git ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
    while IFS= read -r path; do [[ ! -f "$path" ]] || echo "$path"; done
}

cpp_files() { files '*.h' '*.cpp'; }

shell_files() {
  files '*.sh'
  echo scripts/check .ci/run | xargs -n 1
}

ruff() { "$ROOT/.venv/bin/ruff" "$@"; }

check_format() { cpp_files | xargs clang-format --dry-run --Werror; }

check_includes() { "$PYTHON" scripts/check_includes.py; }

# The machine says where packages come from; the project does not.
check_hosts() {
  local registry='(index-url|find-links|pypi\.org|files\.pythonhosted|deb\.debian)'
  if files | grep -v '^scripts/lint.sh$' | xargs grep -InE -- "$registry"; then
    echo "the lines above name a package registry" >&2
    return 1
  fi
}

check_ruff() { ruff check --no-cache --quiet .; }

check_ruff_format() { ruff format --no-cache --check --quiet .; }

check_shellcheck() { shell_files | xargs shellcheck; }

check_sizes() {
  { cpp_files && shell_files && files '*.py'; } | xargs "$PYTHON" scripts/lint/sizes.py
}

check_comments() {
  { cpp_files && shell_files && files '*.py' '*.cmake' '*CMakeLists.txt'; } |
    xargs "$PYTHON" scripts/lint/comments.py
}

check_tidy() { "$PYTHON" scripts/lint/tidy.py; }

main() {
  local check failed=()
  for check in "${@:-${CHECKS[@]}}"; do
    say "lint: $check"
    "check_$check" || failed+=("$check")
  done
  if ((${#failed[@]})); then
    echo "lint: these checks failed: ${failed[*]}" >&2
    return 1
  fi
}

main "$@"
