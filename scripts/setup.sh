#!/usr/bin/env bash
# Installs what the build, the tests and the checks need and the machine lacks:
# packages of Debian 12 (as root or with sudo) and a .venv with the pinned Python
# packages.
# Where nothing is missing, it does not use the network.
#
#     scripts/setup.sh [PACKAGE...]    also installs these packages of Debian
#
# Exit code 2: something must be installed by hand; the text says what.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

REQUIREMENTS="$ROOT/scripts/requirements.txt"
PACKAGES=(
  g++ cmake ninja-build ccache ca-certificates
  libcli11-dev libtomlplusplus-dev libspdlog-dev nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev libssl-dev libxxhash-dev zlib1g-dev
  git clang-format shellcheck strace
)

# twice COMMAND...: runs it again if it fails, since networks do.
twice() {
  "$@" && return
  say "that failed; trying once more"
  sleep 5
  "$@"
}

have_package() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# A Python that can make the .venv: torch 2.15 has wheels from 3.11 on.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3 python3.{13,12,11}; do
    if "$candidate" -c 'import sys, venv, ensurepip
assert sys.version_info >= (3, 11)' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

venv_runs() {
  "$PYTHON" -c '' 2>/dev/null
}

# Compares installed versions with the pins; reads metadata only.
venv_complete() {
  venv_runs && "$PYTHON" - "$REQUIREMENTS" <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

for line in open(sys.argv[1]):
    name, _, pin = line.partition("#")[0].strip().partition("==")
    try:
        # A local version ("2.15.0+cpu") is fine.
        if name and version(name).partition("+")[0] != pin:
            sys.exit(1)
    except PackageNotFoundError:
        sys.exit(1)
PY
}

# Sets AS_ROOT to a prefix that runs a command as root; exits where there is none.
become_root() { # WHAT COMMAND: for the message
  AS_ROOT=()
  ((EUID != 0)) || return 0
  if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    printf '%s, which needs root:\n  %s\n' "$1" "$2" >&2
    exit 2
  fi
  AS_ROOT=(sudo)
}

# torchrun's ranks meet at `localhost` or at the machine's own name, which a
# bare root file system may not know.
name_this_machine() {
  local name address
  for name in localhost "$HOSTNAME"; do
    getent hosts "$name" >/dev/null && continue
    address=127.0.1.1
    [[ "$name" == localhost ]] && address=127.0.0.1
    become_root "/etc/hosts must name $name" "echo '$address $name' >>/etc/hosts"
    say "naming $name in /etc/hosts"
    echo "$address $name" | "${AS_ROOT[@]}" tee -a /etc/hosts >/dev/null
  done
}

install_packages() {
  local missing=() package
  for package in "${PACKAGES[@]}"; do
    have_package "$package" || missing+=("$package")
  done
  if ! venv_runs && ! find_python >/dev/null; then
    missing+=(python3 python3-venv)
  fi
  ((${#missing[@]})) || return 0

  local command="apt-get update && apt-get install ${missing[*]}"
  become_root "Debian packages are missing" "$command"
  if ! command -v apt-get >/dev/null; then
    echo "This is not Debian; install the contents of these packages: ${missing[*]}" >&2
    exit 2
  fi
  say "installing Debian packages: ${missing[*]}"
  local log_dir
  log_dir="$(mktemp -d)"
  twice quietly "$log_dir/apt-update.log" "${AS_ROOT[@]}" apt-get update
  twice quietly "$log_dir/apt-install.log" \
    "${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
  rm -rf "$log_dir"
}

install_python_packages() {
  venv_complete && return
  if ! venv_runs; then
    say "creating .venv with $(find_python)"
    "$(find_python)" -m venv --clear "$ROOT/.venv"
  elif ! "$PYTHON" -c 'import pip' 2>/dev/null; then
    "$PYTHON" -m ensurepip >/dev/null # a .venv made without it, or half-made
  fi
  say "installing into .venv: $(grep -o '^[a-z].*' "$REQUIREMENTS" | xargs)" \
    "(about 3 GB to download)"
  # Compiling ahead would waste time: most modules are never imported.
  twice "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-input \
    --no-compile --requirement "$REQUIREMENTS"
}

main() {
  exec 9<"$ROOT" # a lock, so that two runs take turns
  flock 9
  PACKAGES+=("$@")
  install_packages
  name_this_machine
  install_python_packages
  say "set up: Debian packages and .venv are complete"
}

main "$@"
