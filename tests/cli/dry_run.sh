# pp run --dry-run: the plan and its memory; nothing runs, nothing is written.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
expect_ok "$PP" run job.toml --dry-run
expect_text out "1F1B" "2 ranks" "rank 0: stage 0" "rank 1: stage 1" \
  "weights" "gradients" "optimizer state" "activations"
# AdamW keeps two tensors as large as the parameter.
expect_text out "weights 8.2 KiB, gradients 8.2 KiB, optimizer state 16.5 KiB"
# Lion keeps one; Muon keeps one for a matrix, and two for a bias.
expect_ok "$PP" run job.toml --dry-run --set train.optimizer=lion
expect_text out "optimizer state 8.2 KiB"
expect_ok "$PP" run job.toml --dry-run --set train.optimizer=muon
expect_text out "optimizer state 8.5 KiB"
expect_ok "$PP" run job.toml --dry-run
expect_text out "message buffers" "working memory" "peak "
expect_no_text out "predicted"
expect_no_file runs
[[ ! -s err ]] || fail "it warned"

# Memory for the copy that is saved counts where training continues meanwhile.
sed '/^checkpoint_every/d' job.toml >best.toml
cat >>best.toml <<TOML
[eval]
every = 2
data.inputs.x = { path = "x.npy" }
data.target = { path = "y.npy" }
TOML
expect_ok "$PP" run best.toml --dry-run
expect_no_text out "checkpoint copy"
expect_ok "$PP" run best.toml --dry-run --set output.keep_best=loss
expect_text out "checkpoint copy"

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
# same_refusal CODE OPTION...: only the times of their warnings differ.
same_refusal() {
  local code="$1"
  shift
  expect_exit "$code" "$PP" run job.toml --dry-run "$@"
  cp err dry.err
  expect_exit "$code" "$PP" run job.toml "$@"
  sed -i -E 's/[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} //' err dry.err
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
expect_ok "$PP" run job.toml --set output.dir=trained
expect_ok "$PP" run job.toml --dry-run --resume --set output.dir=trained
[[ ! -s err ]] || fail "it warned"
expect_ok "$PP" run job.toml --dry-run \
  --set model.checkpoint=trained/checkpoints/step_6
cp -r trained/checkpoints/step_6 half && rm half/part_1.safetensors
same_refusal 3 --set model.checkpoint=half
expect_text err "part_1.safetensors"

# The checkpoint to resume from: of a run with other settings, or damaged.
resumed=(--resume --set output.dir=trained)
same_refusal 2 "${resumed[@]}" --set train.seed=7
expect_text err "was saved with train.seed = 0, but the job has 7"
same_refusal 3 "${resumed[@]}" \
  --set 'train.optimizer={ name = "adamw", lr = 1e-2, amsgrad = true }'
expect_text err "keeps no 'max_exp_avg_sq'"
cp -r trained torn
torn=torn/checkpoints/step_6/part_0.safetensors
truncate -s 600 $torn
expect_ok "$PP" run job.toml --dry-run --resume --set output.dir=torn
expect_text err "checkpoint step_6 is skipped" "$torn: has 600 bytes"
rm -r torn/checkpoints/step_{2,4}
same_refusal 3 --resume --set output.dir=torn
expect_text err "checkpoint step_6 is skipped" "$torn: has 600 bytes" \
  "torn/checkpoints has no checkpoint to resume from"
cp trained/checkpoints/step_6/part_0.safetensors $torn
printf '\x55' | dd of=$torn bs=1 seek=3000 conv=notrunc 2>/dev/null
same_refusal 3 --resume --set output.dir=torn
expect_text err "$torn: damaged: its hash is"
expect_ok "$PP" run job.toml --dry-run --resume-if-any --set output.dir=torn

# A checkpoint of another model, and a parameter that can't be trained.
"$PYTHON" -c '
import torch
from torch import nn
class Model(nn.Module):
    def __init__(self, first, width, rows):
        super().__init__()
        self.first = first
        self.add_module(first, nn.Linear(32, width))
        self.last = nn.Linear(width, 10)
        self.scale = nn.Parameter(torch.ones(1, 10).expand(rows, 10))
    def forward(self, x):
        return self.last(getattr(self, self.first)(x)) * self.scale.sum(0)
for name, *model in (
    ("narrow", "begin", 8, 1),
    ("wide", "begin", 12, 1),
    ("renamed", "start", 8, 1),
    ("expanded", "begin", 8, 4),
):
    program = torch.export.export(
        Model(*model), (torch.ones(8, 32),),
        dynamic_shapes=({0: torch.export.Dim("rows")},))
    torch.export.save(program, name + ".pt2")' >out 2>err || fail "no models"
at=(--set 'split.at=["last"]')
expect_ok "$PP" run job.toml "${at[@]}" --set model.path=narrow.pt2 \
  --set output.dir=narrow
# Ranks would race for the first complaint, so there is one.
other=("${at[@]}" --resume --set output.dir=narrow --ranks 1)
same_refusal 3 "${other[@]}" --set model.path=renamed.pt2
expect_text err "narrow/checkpoints/step_6: has no 'start." \
  "is it a checkpoint of another model?"
same_refusal 3 "${other[@]}" --set model.path=wide.pt2
expect_text err "'begin.weight' is Float[8, 32], but the model has Float[12, 32]"
same_refusal 3 "${at[@]}" --set model.path=expanded.pt2
expect_text err "parameter 'scale' can't be trained"
expect_ok "$PP" run job.toml --dry-run "${at[@]}" \
  --set model.path=expanded.pt2 --set 'train.freeze=["scale"]'

# The data of an evaluation.
held_out=(--set eval.data.inputs.x.path=x.npy --set eval.data.target.path=y.npy)
expect_ok "$PP" run job.toml --dry-run "${held_out[@]}"
same_refusal 3 "${held_out[@]}" --set eval.data.inputs.x.path=no.npy
expect_text err "no.npy"
head -c 200 y.npy >short.npy
same_refusal 3 "${held_out[@]}" --set eval.data.target.path=short.npy
expect_text err "short.npy"

refused 2 "layers.9" -- "$PP" run job.toml --dry-run \
  --set 'split.at=["layers.9"]'
refused 2 "3 ranks" -- "$PP" run job.toml --dry-run --ranks 3
