#!/usr/bin/env bash
# Runs scripts/setup.sh with a fake package manager: what it installs, when it
# installs nothing, and its message without root.
#
#     setup_test.sh PROJECT_ROOT
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/pp/.venv/bin" "$work/bin"
cp -r "$1/scripts" "$work/pp/scripts"

fail() {
  echo "FAILED: $*" >&2
  cat "$work"/{out,err,calls} >&2
  exit 1
}

stub() {
  printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
  chmod 755 "$work/bin/$1"
}

# run [as user]: setup.sh, with its output in out and err, its status in status.
run() {
  : >"$work/calls"
  chmod 666 "$work/calls"
  status=0
  env PATH="$work/bin:$PATH" CALLS="$work/calls" "$@" \
    bash "$work/pp/scripts/setup.sh" >"$work/out" 2>"$work/err" || status=$?
}

expect() {
  grep -qF -- "$2" "$work/$1" || fail "no \"$2\" in $1"
}

as_user=()
((EUID != 0)) || as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)

stub apt-get 'echo "apt-get $*" >>"$CALLS"'
stub sudo 'exit 1'
# A .venv that has everything: its python answers every question with yes.
stub venv-python 'echo "python $*" >>"$CALLS"'
mv "$work/bin/venv-python" "$work/pp/.venv/bin/python"

# Everything is there: nothing is asked of the network, with or without root.
stub dpkg-query 'echo -n installed'
run
((status == 0)) || fail "complete: exit $status"
! grep -E 'apt-get|pip' "$work/calls" || fail "complete: asked the network"
run "${as_user[@]}"
((status == 0)) || fail "complete, as a user: exit $status"

# Packages are missing and there is no root: a list, exit code 2, no attempt.
stub dpkg-query '[[ "${!#}" == g++ ]] && echo -n installed; exit 0'
run "${as_user[@]}"
((status == 2)) || fail "no root: exit $status"
expect err "apt-get install cmake ninja-build"
! grep -q 'install.* g++' "$work/err" || fail "lists what is installed"
! grep -q apt-get "$work/calls" || fail "no root: tried to install"

# Packages are missing and there is root: exactly these, without prompts.
if ((EUID == 0)); then
  run
  ((status == 0)) || fail "root: exit $status"
  expect calls "apt-get update"
  expect calls "apt-get install -y --no-install-recommends cmake ninja-build"

  # A network that fails once is asked again; one that stays away is an error.
  stub apt-get 'echo "apt-get $*" >>"$CALLS"; (($(grep -c apt-get "$CALLS") > 1))'
  stub sleep ''
  run
  ((status == 0)) || fail "one failure: exit $status"
  expect out "trying once more"
  stub apt-get 'echo "no network"; exit 100'
  run
  ((status == 100)) || fail "no network: exit $status"
  expect err "no network"
fi

# Python packages are missing: pip gets the pins, and a second chance.
stub dpkg-query 'echo -n installed'
stub sleep ''
cat >"$work/pp/.venv/bin/python" <<'PY'
#!/bin/bash
echo "python $*" >>"$CALLS"
[[ "$1" != - ]] && { [[ "$2" != pip ]] || (($(grep -c -e "-m pip" "$CALLS") > 1)); }
PY
run "${as_user[@]}"
((status == 0)) || fail "pip: exit $status"
expect calls "--requirement $work/pp/scripts/requirements.txt"
expect out "trying once more"
