# pp run --dry-run: the plan and its memory; nothing runs, nothing is written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
expect_ok "$PP" run job.toml --dry-run
expect_text out "1F1B" "2 ranks" "rank 0: stage 0" "rank 1: stage 1" \
  "weights" "gradients" "optimizer state" "activations"
# AdamW keeps two tensors as large as the parameter.
expect_text out "weights 8.2 KiB, gradients 8.2 KiB, optimizer state 16.5 KiB"
expect_no_file runs
expect_ok "$PP" run job.toml --dry-run --launcher processes --schedule GPipe
expect_text out "GPipe"
expect_no_file runs

# It refuses what a run would.
refused 2 "layers.9" -- "$PP" run job.toml --dry-run \
  --set 'split.at=["layers.9"]'
refused 2 "3 ranks" -- "$PP" run job.toml --dry-run --ranks 3
