# PP_JOB_SECRET: a rank that knows it takes part, one that doesn't is refused, and
# the secret can be read nowhere.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
torchrun=("$TORCHRUN" --standalone --no-python --nproc-per-node)
secret="a secret that only this test knows"
other="a secret that another job might have"
# Below the ports that the system gives to connections.
port=$((10000 + $$ * 20 % 20000 + 10))

expect_unseen() { # TEXT: in no output and in no file of the job
  expect_no_text out "$1"
  expect_no_text err "$1"
  ! grep -rqF -- "$1" runs || fail "\"$1\" in $(grep -rlF -- "$1" runs)"
}

# Every launcher and transport gives the same weights, and no line of the log has
# the secret.
expect_ok "$PP" run job.toml --set output.dir=want
for how in "local" "processes" "processes gloo" "torchrun" "torchrun gloo"; do
  read -r launcher transport <<<"$how"
  command=("$PP" run job.toml --overwrite)
  [[ -z "$transport" ]] || command+=(--set "pipeline.transport=\"$transport\"")
  if [[ "$launcher" == torchrun ]]; then
    command=("${torchrun[@]}" 2 "${command[@]}")
  else
    command+=(--launcher "$launcher")
  fi
  TORCH_LOGS=+pp PP_JOB_SECRET="$secret" expect_ok "${command[@]}"
  for part in 0 1; do
    expect_same want/checkpoints/step_6/part_$part.safetensors \
      runs/checkpoints/step_6/part_$part.safetensors
  done
  expect_unseen "$secret"
  expect_no_text err "PP_JOB_SECRET isn't set"
done
TORCH_LOGS=+pp expect_ok "${torchrun[@]}" 2 "$PP" run job.toml --overwrite
[[ "$(num_lines err "PP_JOB_SECRET isn't set")" == 1 ]] || fail "not said once"

# The launcher makes one, which only the environment of the ranks holds.
command_line="processes that make a secret"
"$PP" run job.toml --overwrite --log +pp --launcher processes \
  --set train.steps=100000 >out 2>err &
parent=$!
started() { rank_pid 0 >/dev/null && rank_pid 1 >/dev/null; }
if wait_for 60 started; then
  made=()
  for rank in 0 1; do
    pid=$(rank_pid $rank)
    [[ "$(stat -c %a "/proc/$pid/environ")" == 400 ]] || fail "others read it"
    made+=("$(tr '\0' '\n' <"/proc/$pid/environ" |
      sed -n 's/^PP_JOB_SECRET=//p')")
  done
  [[ "${made[0]}" =~ ^[0-9a-f]{64}$ ]] || fail "no random secret"
  [[ "${made[0]}" == "${made[1]}" ]] || fail "two secrets in one job"
  wait_for 60 test -s runs/metrics.jsonl
  ! pgrep -f -- "${made[0]}" >/dev/null || fail "the secret is an argument"
fi
kill -INT $parent
wait $parent
expect_unseen "${made[0]:-none}"

# One that is too short isn't printed either.
for launcher in processes env; do
  refused 2 "PP_JOB_SECRET has 12 bytes" "at least 16" -- env RANK=0 WORLD_SIZE=2 \
    PP_JOB_SECRET=sesame-sesam "$PP" run job.toml --overwrite \
    --launcher $launcher
  expect_no_text err "sesame"
done
refused 2 "PP_JOB_SECRET has 12 bytes" -- env PP_JOB_SECRET=sesame-sesam \
  "$PP" run job.toml --overwrite --launcher processes
expect_no_text err "sesame"

# rank NUMBER SECRET: as that rank of two, without a launcher
rank() {
  RANK=$1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    PP_JOB_SECRET="$2" timeout 100 "$PP" run job.toml --overwrite
}

# A rank with another one ends at once; the other says so once, and waits.
command_line="ranks by hand with different secrets"
rank 0 "$secret" >out_0 2>err_0 &
first=$!
rank 1 "$other" >out 2>err
status=$?
((status == 4)) || fail "ended with $status, not 4"
expect_text err "pp: error: rank 1 of 2 has another PP_JOB_SECRET than the job at" \
  "give every rank of a job the same PP_JOB_SECRET"
[[ "$(num_lines err '')" == 1 ]] || fail "not one line"
expect_no_text err "$other"
wait_for 20 grep -q "came as rank 1 of 2 has another PP_JOB_SECRET" err_0
rank 1 "$secret" >out 2>err
status=$?
((status == 0)) || fail "the right rank ended with $status"
wait $first
status=$?
((status == 0)) || fail "the rank that waited ended with $status"
[[ "$(num_lines err_0 'another PP_JOB_SECRET')" == 1 ]] || fail "not said once"
expect_no_text err_0 "$secret" "$other"

# Under torchrun, one rank lacks the secret, and the launcher ends the other.
command_line="torchrun, one rank without the secret"
cat >one_without.sh <<'SH'
((RANK == 0)) || unset PP_JOB_SECRET
exec "$@"
SH
PP_JOB_SECRET="$secret" expect_exit 1 "${torchrun[@]}" 2 bash one_without.sh \
  "$PP" run job.toml --overwrite
expect_match err "PP_JOB_SECRET.*; give every rank of a job the same PP_JOB_SECRET"
expect_no_text err "$secret"
