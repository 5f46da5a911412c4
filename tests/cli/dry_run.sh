# pp run --dry-run: the plan and its memory; nothing runs, nothing is written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
expect_ok "$PP" run job.toml --dry-run
expect_text out "1F1B" "2 ranks" "rank 0: stage 0" "rank 1: stage 1" \
  "weights" "gradients" "optimizer state" "activations"
# AdamW keeps two tensors as large as the parameter.
expect_text out "weights 8.2 KiB, gradients 8.2 KiB, optimizer state 16.5 KiB"
expect_text out "message buffers" "working memory" "peak "
expect_no_text out "predicted"
expect_no_file runs
[[ ! -s err ]] || fail "it warned"

# A frozen parameter has neither a gradient nor optimizer state.
expect_ok "$PP" run job.toml --dry-run --set 'train.freeze=["*.weight"]'
expect_text out "weights 8.2 KiB, gradients 256 B, optimizer state 512 B"
expect_ok "$PP" run job.toml --dry-run --ranks 1
expect_text out ", 1 rank, "

# With costs: units of one's own, or what the stages themselves take.
expect_ok "$PP" run job.toml --dry-run --cost F=1,B=3
expect_text out "predicted step 20 units; bubble 20.0 % (rank 0: 20.0 %"
expect_ok "$PP" run job.toml --dry-run --cost measured
expect_match out "^stage 1: F .* ms, I .* ms, W .* ms, B .* ms$"
expect_match out "^predicted step .* ms, without messages and update; bubble"
refused 2 "unknown key 'G'" -- "$PP" run job.toml --dry-run --cost G=1
expect_exit 2 "$PP" run job.toml --cost measured
expect_no_file runs

expect_ok "$PP" run job.toml --dry-run --launcher processes --schedule GPipe
expect_text out "GPipe"
expect_no_file runs

# It refuses what a run would, with the same words, and creates nothing.
same_refusal() {
  local code="$1"
  shift
  expect_exit "$code" "$PP" run job.toml --dry-run "$@"
  cp err dry.err
  expect_exit "$code" "$PP" run job.toml "$@"
  expect_same err dry.err
}
touch file
same_refusal 2 --set output.dir=file
expect_text err "output.dir" "is a file"
same_refusal 2 --set output.dir=file/below
same_refusal 3 --set model.checkpoint=runs/checkpoints/step_9
expect_text err "step_9"
same_refusal 3 --resume --set output.dir=fresh
expect_text err "fresh/checkpoints has no checkpoint to resume from"
expect_no_file fresh runs
sed '/^\[train\]/,/^$/d; /^target/d; /^checkpoint_every/d' job.toml >infer.toml
refused 2 "--resume needs a training" -- "$PP" run infer.toml --dry-run --resume
# A checkpoint of another model.
expect_ok "$PP" run job.toml --set output.dir=trained
expect_ok "$PP" run job.toml --dry-run --resume --set output.dir=trained
expect_ok "$PP" run job.toml --dry-run \
  --set model.checkpoint=trained/checkpoints/step_6
cp -r trained/checkpoints/step_6 half && rm half/part_1.safetensors
same_refusal 3 --set model.checkpoint=half
expect_text err "part_1.safetensors"
refused 2 "layers.9" -- "$PP" run job.toml --dry-run \
  --set 'split.at=["layers.9"]'
refused 2 "3 ranks" -- "$PP" run job.toml --dry-run --ranks 3
