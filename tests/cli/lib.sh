# Functions of the tests of the commands. A test sources it first and is run as
#
#     bash tests/cli/NAME.sh PP SOURCE_DIR FIXTURE_DIR PYTHON
#
# A test runs in its own folder, which is removed at its end. An unmet expectation
# is printed with the command and its output; the test continues, so that one run
# shows every fault, and fails at its end.
set -u

# shellcheck disable=SC2034  # for the tests that source this file
PP="$1" SOURCE="$2" FIXTURES="$3" PYTHON="$4"
# shellcheck disable=SC2034
TORCHRUN="$(dirname "$PYTHON")/torchrun"
unset TORCH_LOGS RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR \
  MASTER_PORT PP_JOB_SECRET
export LC_ALL=C PYTHONWARNINGS=ignore

work="$(mktemp -d "${TMPDIR:-/tmp}/pp_cli_XXXXXX")"
cd "$work" || exit 1
num_failures=0
status=0
command_line=""

finish() {
  local code=$?
  ((code == 0)) || echo "the test itself ended with $code"
  cd / && rm -rf "$work"
  ((code == 0 && num_failures == 0)) || exit 1
}
trap finish EXIT

# fail TEXT: counts a failure and shows what the last command did.
fail() {
  ((++num_failures))
  local level=0
  while [[ "${BASH_SOURCE[level + 1]}" == */lib.sh ]]; do ((++level)); done
  echo "FAILED: $(basename "${BASH_SOURCE[level + 1]}"):${BASH_LINENO[level]}: $*"
  echo "  command: $command_line"
  echo "  exit code: $status"
  [[ ! -s out ]] || head -c 800 out | sed 's/^/  out| /'
  [[ ! -s err ]] || head -c 800 err | sed 's/^/  err| /'
}

# run COMMAND...: leaves its exit code in `status`, its output in out and err.
# A command that does not end within 200 seconds is a failure of its own.
run() {
  command_line="$*"
  timeout -k 2 200 "$@" >out 2>err </dev/null
  status=$?
  ((status != 124)) || fail "did not end within 200 s"
}

expect_exit() {
  local code="$1"
  shift
  run "$@"
  ((status == code)) || fail "expected exit code $code, not $status"
}

expect_ok() { expect_exit 0 "$@"; }

# expect_text FILE TEXT...: each text stands in the file, or in the output of
# the last command (out, err).
expect_text() {
  local file="$1" text
  shift
  for text in "$@"; do
    grep -qF -- "$text" "$file" || fail "no \"$text\" in $file"
  done
}

expect_no_text() {
  local file="$1" text
  shift
  for text in "$@"; do
    ! grep -qF -- "$text" "$file" || fail "\"$text\" in $file"
  done
}

expect_match() {
  grep -qE -- "$2" "$1" || fail "nothing like /$2/ in $1"
}

# refused CODE TEXT... -- COMMAND...: the command ends with this code, prints
# nothing but one line, and each text stands in that line.
refused() {
  local code="$1" texts=() problems=() text
  shift
  while [[ "$1" != -- ]]; do
    texts+=("$1")
    shift
  done
  shift
  run "$@"
  ((status == code)) || problems+=("expected exit code $code, not $status")
  [[ "$(grep -c '' err)" == 1 ]] || problems+=("expected one line on stderr")
  [[ ! -s out ]] || problems+=("expected nothing on stdout")
  grep -q '^pp: error: ' err || problems+=("no 'pp: error: '")
  for text in ${texts[@]+"${texts[@]}"}; do
    grep -qF -- "$text" err || problems+=("no \"$text\"")
  done
  ((${#problems[@]} == 0)) || fail "$(printf '%s; ' "${problems[@]}")"
}

expect_file() {
  local file
  for file in "$@"; do
    [[ -s "$file" ]] || fail "no file $file"
  done
}

expect_no_file() {
  local file
  for file in "$@"; do
    [[ ! -e "$file" ]] || fail "$file is there"
  done
}

expect_same() {
  cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

# expect_clean FOLDER: no temporary or half-written file lies in it.
expect_clean() {
  local left
  left="$(find "$1" \( -name '*.tmp*' -o -name '*.partial*' -o \
    -name '.*.*' \) -printf '%P ')"
  [[ -z "$left" ]] || fail "left in $1: $left"
}

# check_python TEXT [ARG...]: a piece of Python that asserts something.
check_python() {
  command_line="python check"
  "$PYTHON" -c "$1" "${@:2}" >out 2>err
  status=$?
  ((status == 0)) || fail "the check in Python failed"
}

# same_runs FOLDER REFERENCE [TOLERANCE]: two runs have equal losses, gradient norms,
# evaluations and weights (every_schedule.py).
same_runs() {
  command_line="compare $*"
  "$PYTHON" "$SOURCE/tests/cli/every_schedule.py" "$@" >out 2>err
  status=$?
  ((status == 0)) || fail "$1 and $2 differ"
}

# num_lines FILE PATTERN
num_lines() { grep -cE -- "$2" "$1"; }

# The job of an MLP on random rows, two stages; more keys by --set.
mlp_job() {
  cat >"$1" <<TOML
[model]
path = "$FIXTURES/mlp-plain.pt2"

[split]
at = ["layers.2"]

[pipeline]
microbatches = 4

[data]
batch_size = 16
inputs.x = { path = "x.npy" }
target = { path = "y.npy" }

[train]
steps = 6
loss = { name = "cross_entropy" }
optimizer = { name = "adamw", lr = 1e-2 }

[output]
dir = "runs"
checkpoint_every = 2
TOML
  "$PYTHON" "$SOURCE/scripts/make_data.py" random -o "$(dirname "$1")" \
    --rows 80 --shape 32 >/dev/null
  (cd "$(dirname "$1")" && mv random_x.npy x.npy && mv random_y.npy y.npy)
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then
      fail "waited in vain for: $*"
      return 1
    fi
    sleep 0.02
  done
}

# The `pp` processes that run in the folder of this test.
ours() {
  local pid
  for pid in $(pgrep -x "$(basename "$PP")"); do
    [[ "$(readlink "/proc/$pid/cwd")" == "$work" ]] && echo "$pid"
  done
}

# rank_pid RANK: the process of `ours` that is this rank, if it runs.
rank_pid() {
  local pid
  for pid in $(ours); do
    { tr "\0" "\n" <"/proc/$pid/environ"; } 2>/dev/null | grep -qx "RANK=$1" &&
      echo "$pid" && return
  done
  return 1
}

# milliseconds since the epoch
now_ms() { date +%s%3N; }

# within TOOK LIMIT: milliseconds below a limit that holds where `pp --version`
# takes at most 400 ms. On a slower or busier machine the limit grows with it.
within() {
  local took="$1" limit="$2" began start_up slowest=400
  ((took >= limit)) || return 0
  for _ in 1 2 3; do
    began=$(now_ms)
    "$PP" --version >/dev/null
    start_up=$(($(now_ms) - began))
    ((start_up <= slowest)) || slowest=$start_up
  done
  ((took < limit * slowest / 400))
}
