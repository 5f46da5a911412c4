# An operator that throws on one rank: its cause is printed once.
source "$(dirname "$0")/lib.sh"
"$PYTHON" -c '
import numpy as np
tokens = np.random.default_rng(0).integers(0, 64, (40, 16))
np.save("good.npy", tokens)
tokens[9, 5] = 64  # one past the vocabulary, in the third batch
np.save("bad.npy", tokens)'
cat >job.toml <<TOML
model.path = "$FIXTURES/gpt2.pt2"
split.at = ["transformer.h.2"]
pipeline.microbatches = 2
[data]
batch_size = 4
shuffle = false
inputs.input_ids = { path = "bad.npy" }
target = { path = "good.npy" }
[train]
steps = 10
loss = { name = "cross_entropy" }
optimizer = { name = "sgd", lr = 0.1 }
[output]
dir = "runs"
checkpoint_every = 1
TOML

cause="rank 0 \([^ ]*\), stage 0, microbatch 0, 0F0: operator 'aten.embedding.default' .*transformer.wte.*index out of range.*: 'input_ids' holds 64 at \[1, 5\], but only 0 to 63 are valid; the microbatch is rows 8, 9 of the data"
expect_exit 4 "$PP" run job.toml
[[ "$(grep -c '' err)" == 1 ]] || fail "expected one line on stderr"
expect_match err "^pp: error: $cause"
# The rank fails in the third step, when the other may still be in the second; the
# checkpoint of the first is complete before the second is saved.
expect_match out "checkpoints/step_[12]( |$)"
compgen -G "runs/checkpoints/step_[12]/state.json" >/dev/null || fail "no checkpoint"
expect_clean runs

expect_exit 4 "$PP" run job.toml --launcher processes --set output.dir=two
[[ "$(num_lines err "^pp: error: $cause")" == 1 ]] || fail "not once"
expect_exit 1 "$TORCHRUN" --standalone --no-python --nproc-per-node 2 \
  "$PP" run job.toml --set output.dir=env
[[ "$(num_lines err "$cause")" -ge 1 ]] || fail "on no rank"

# In the last rank, which computes the loss.
expect_exit 3 "$PP" run job.toml --launcher processes --set output.dir=three \
  --set data.inputs.input_ids.path=good.npy --set data.target.path=bad.npy
[[ "$(num_lines err "rank 1 \(.*\), stage 1, microbatch 0, 1F0: ")" == 1 ]] ||
  fail "not once"
expect_text err "64"

# The job goes on from before, once its data is right.
expect_ok "$PP" run job.toml --resume --set output.dir=runs \
  --set data.inputs.input_ids.path=good.npy
