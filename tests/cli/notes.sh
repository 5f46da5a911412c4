# Notes and warnings that pp gives before it does what its user may not expect.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
cat >export.py <<'PY'
import torch
from torch import nn
class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(32, 8), nn.Linear(8, 10)
    def forward(self, x, twin):
        return self.b(self.a(x) + self.a(twin))
class Idle(Sum):
    def forward(self, x, twin):
        return self.b(self.a(x))
torch.manual_seed(0)
x, rows = torch.randn(4, 32), torch.export.Dim("rows")
shapes = {"x": {0: rows}, "twin": {0: rows}}
# One tensor for both inputs: the export reads only the second.
torch.export.save(torch.export.export(Sum(), (x, x), dynamic_shapes=shapes), "twin.pt2")
torch.export.save(torch.export.export(Sum(), (x, x + 1), dynamic_shapes=shapes), "two.pt2")
torch.jit.script(Idle()).save("idle.pt")
PY
run "$PYTHON" export.py
((status == 0)) || fail "no models"

# An input that nobody reads.
two=(--set 'data.inputs.twin.path="x.npy"' --set 'split.at=["b"]')
for model in twin.pt2 idle.pt; do
  [[ $model == twin.pt2 ]] && unread=x || unread=twin
  unread="the model doesn't read its input '$unread'"
  expect_ok "$PP" split $model -o stages --at b
  expect_text out "note: $unread"
  expect_ok "$PP" run job.toml "${two[@]}" --set "model.path=\"$model\"" --dry-run
  expect_text err "$unread"
  rm -rf runs
  expect_ok "$PP" run job.toml "${two[@]}" --set "model.path=\"$model\""
  expect_text err "$unread"
  [[ "$(grep -c '' err)" == 1 ]] || fail "expected one warning"
done
sed 's/^path = .*pt2"/stages = "stages"/; /^\[split\]/,/^$/d' job.toml >stages.toml
expect_ok "$PP" split twin.pt2 -o stages --at b
expect_ok "$PP" run stages.toml --set 'data.inputs.twin.path="x.npy"' --overwrite
expect_text err "the model doesn't read its input 'x'"
expect_ok "$PP" split two.pt2 -o stages --at b
expect_no_text out "note"
expect_ok "$PP" run job.toml "${two[@]}" --set 'model.path="two.pt2"' --overwrite
expect_no_text err "doesn't read"

# A schedule that has too few stages.
for schedule in Interleaved1F1B ZBVZeroBubble; do
  misfit="$schedule puts 2 stages on each rank, so the model's 2 stages run on 1 rank"
  for how in "" --dry-run; do
    # shellcheck disable=SC2086 # an option or none
    expect_ok "$PP" run job.toml --schedule $schedule $how --overwrite
    expect_text err "$misfit" "split into 4 stages or more, or use 1F1B on 2 ranks"
  done
done
expect_ok "$PP" verify "$FIXTURES/mlp-plain.pt2" --at layers.2 --schedule VHalf
expect_text err "VHalf puts 2 stages on each rank"
expect_ok env TORCH_LOGS=pp "$PP" run job.toml --schedule ZBVZeroBubble --ranks 1 \
  --set pipeline.microbatches=1 --overwrite
expect_text err "using schedule ZBVZeroBubble, 1 rank, 1 microbatch"
expect_no_text err "puts 2 stages"

# A model beside itself is no check.
for how in "" "--stages 1" "--input x=4x32"; do
  # shellcheck disable=SC2086 # words of a command line
  refused 2 "no cut given" "compared with itself" "--at FQN" -- \
    "$PP" verify "$FIXTURES/mlp-plain.pt2" $how
done

# Fewer rows than a batch.
few="batch_size is 100, but the data has 80 rows: each step uses all of them"
for how in "" --dry-run; do
  rm -rf runs
  # shellcheck disable=SC2086 # an option or none
  expect_ok "$PP" run job.toml --set data.batch_size=100 $how
  expect_text err "$few"
  [[ "$(grep -c '' err)" == 1 ]] || fail "expected one warning"
done
rm -rf runs
expect_ok "$PP" run job.toml --set data.batch_size=80
[[ ! -s err ]] || fail "it warned"

# Other learning rates than those that the first part of a run had.
for shape in cosine linear constant; do
  rate=(--set "train.lr_schedule.name=\"$shape\"" --set "output.dir=$shape")
  expect_ok "$PP" run job.toml "${rate[@]}" --set train.steps=4
  expect_ok "$PP" run job.toml "${rate[@]}" --set train.steps=8 --resume
  if [[ $shape == constant ]]; then
    [[ ! -s err ]] || fail "it warned"
  else
    expect_text err "was planned for 4 steps, this one for 8: the $shape" \
      "so step 5 has a rate of 0.0050 instead of 0.0000"
  fi
  # Resuming with the same number of steps is silent.
  expect_ok "$PP" run job.toml "${rate[@]}" --set train.steps=8 --resume
  [[ ! -s err ]] || fail "it warned"
done
