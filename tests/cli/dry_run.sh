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

# It refuses what a run would.
refused 2 "layers.9" -- "$PP" run job.toml --dry-run \
  --set 'split.at=["layers.9"]'
refused 2 "3 ranks" -- "$PP" run job.toml --dry-run --ranks 3
