# TORCH_LOGS as torch reads it, and --log, which wins.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
job=(run job.toml --set train.steps=2)

# warnings only, unless told otherwise
expect_ok "$PP" "${job[@]}"
[[ ! -s err ]] || fail "log lines without being asked"

info() {
  expect_text err "1F1B" "stage 0 on rank 0" "stage 1 on rank 1" "float32["
  expect_match err '^\[rank0\] I [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} [a-z_]+\.cpp:[0-9]+\] '
  expect_no_text err " V "
}
debug() {
  # V is torch's letter for it. This rank's action list at step 0, then every action with its peer.
  expect_text err "[rank0] V " "[rank1] V " "0F0" "1B3" "SEND_F" "RECV_F"
  expect_match err '^\[rank1\] V [0-9:.]{12} [a-z_]+\.cpp:[0-9]+\] '
  expect_match err 'V .*\[4, 32\]' # of a message or a chunk
}
silent() { [[ ! -s err ]] || fail "not silent"; }

for spec in pp torch.distributed.pipelining +dynamo,pp all pp,+all; do
  expect_ok env TORCH_LOGS="$spec" "$PP" "${job[@]}"
  info
done
expect_ok "$PP" "${job[@]}" --log pp
info
for spec in +pp +pp,dynamo +torch.distributed.pipelining +all all,+distributed; do
  expect_ok env TORCH_LOGS="$spec" "$PP" "${job[@]}"
  debug
done
expect_ok "$PP" "${job[@]}" --log +pp
debug
for spec in -pp dynamo "" aot,+inductor; do
  rm -rf runs # a run before this one would be a warning
  expect_ok env TORCH_LOGS="$spec" "$PP" "${job[@]}"
  silent
done

# --log wins, in either direction.
expect_ok env TORCH_LOGS=+pp "$PP" "${job[@]}" --log -pp
silent
expect_ok env TORCH_LOGS=-pp "$PP" "${job[@]}" --log +pp
debug

# Ranks that are processes say which one they are.
expect_ok env TORCH_LOGS=+pp "$PP" "${job[@]}" --launcher processes
debug
[[ "$(num_lines err 'using schedule')" == 1 ]] || fail "the plan is logged twice"

# Ties are INFO.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o stages --at transformer.h.2
"$PYTHON" -c 'import numpy as np; np.save("t.npy", np.zeros((4, 16), np.int64))'
expect_ok "$PP" run stages --log pp --microbatches 2 --set data.batch_size=4 \
  --set data.inputs.input_ids.path=t.npy --set output.dir=outputs
expect_text err "transformer.wte.weight" "stages 0, 1"

# An error is an error line at every level.
refused 2 "layer9" -- "$PP" "${job[@]}" --log -pp --set 'split.at=["layer9"]'
refused 2 "--log" "must not be empty" -- "$PP" "${job[@]}" --log ''
refused 2 "--log" "loud" "+pp" -- "$PP" "${job[@]}" --log loud
