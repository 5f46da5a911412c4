# pp verify: 0 where the pipeline computes what the model does, 5 where not.
source "$(dirname "$0")/lib.sh"

expect_ok "$PP" verify "$FIXTURES/mlp-plain.pt2" --stages 3 --exact
expect_text out "3 stages" "bitwise equal" "verified"
expect_ok "$PP" verify "$FIXTURES/mlp.pt2" --at layers.1 layers.2:end --exact
expect_ok "$PP" verify "$FIXTURES/llama.pt2" --at model.layers.2
expect_ok "$PP" verify "$FIXTURES/skip.pt2" --stages 3
expect_ok "$PP" verify "$FIXTURES/batch-norm.pt2" --stages 2 --exact
expect_ok "$PP" verify "$FIXTURES/gpt2-dropout.pt2" --at transformer.h.1 \
  --schedule GPipe --microbatches 3
expect_ok "$PP" verify "$FIXTURES/mlp-fixed.pt2" --at layers.2 --exact
expect_ok "$PP" verify "$FIXTURES/mlp-plain.pt2" --stages 2 --schedule 1f1b \
  --microbatches 1 --forward-only --exact
expect_no_text out "gradient"

# A stage directory; nothing is left of the copy that it is compared with.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o stages \
  --at transformer.h.1 transformer.h.3
mkdir tmp
expect_ok env TMPDIR="$work/tmp" "$PP" verify stages
expect_text out "3 stages" "verified"
[[ -z "$(ls -A tmp)" ]] || fail "left in TMPDIR: $(ls -A tmp)"

# A tied parameter's gradient is a sum over stages, in another order than the
# unsplit model's: equal within the tolerance, not to the bit.
expect_ok "$PP" verify stages --forward-only --exact
expect_exit 5 "$PP" verify stages --exact --microbatches 8
expect_text out "gradient transformer.wte.weight" "DIFFERENT"
expect_exit 5 "$PP" verify stages --tolerance 0 --microbatches 8
expect_text out "gradient transformer.wte.weight" "above tolerance"
expect_ok "$PP" verify stages --tolerance 1e-3
# A model file is held against the unsplit model too, not against its own parts.
expect_exit 5 "$PP" verify "$FIXTURES/gpt2.pt2" --at transformer.h.1 \
  transformer.h.3 --exact --microbatches 8
expect_text out "gradient transformer.wte.weight" "DIFFERENT"

# A real difference: a stage with other weights than the source's.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o changed --at layers.2
check_python '
import json, torch
program = torch.export.load("changed/stage_1.pt2")
with torch.no_grad():
    for weight in program.state_dict.values():
        weight.mul_(1.5)
torch.export.save(program, "changed/stage_1.pt2")
'
expect_exit 3 "$PP" verify changed
expect_text err "stage_1.pt2"

refused 3 "nope.pt2" -- "$PP" verify nope.pt2 --stages 2
refused 2 "nope" -- "$PP" verify "$FIXTURES/mlp.pt2" --at nope
refused 2 "1F2B" "'1F1B'" -- "$PP" verify stages --schedule 1F2B
refused 2 "--at" -- "$PP" verify stages --at transformer.h.2

# One stage is the whole model.
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o single --stages 1
refused 2 "no cut given: single has one stage" "compared with itself" \
  "--at FQN" -- "$PP" verify single
expect_ok "$PP" split --assemble single/stage_0.pt2 -o by_hand
refused 2 "no cut given: by_hand has one stage" -- "$PP" verify by_hand

for tolerance in -1 nan abc; do
  refused 2 "'$tolerance' is not a number of 0 or more" -- \
    "$PP" verify stages --tolerance "$tolerance"
done

# A weight whose gradient is a small difference of large terms, one in each stage,
# so that the order of the sum decides digits above the tolerance.
check_python '
import sys, torch
from torch import nn

class Step(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, h, w):
        return h + self.f(w)

class Sums(nn.Module):
    def __init__(self, first, last):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 8))
        self.a = Step(lambda w: first * w)
        self.b = Step(torch.sin)
        self.c = Step(lambda w: last * w)
    def forward(self, x):
        h = x.to(self.w.dtype) * torch.arange(8) / 8
        return torch.tanh(self.c(self.b(self.a(h, self.w), self.w), self.w))

for name, dtype, first, last in (
    ("cancels", torch.float32, 1000, -1000),
    ("half", torch.bfloat16, 1.3, 0.7),
):
    torch.manual_seed(0)
    model = Sums(first, last).to(dtype)
    program = torch.export.export(model, (torch.randn(4, 8),))
    torch.export.save(program, name + ".pt2")
'
expect_ok "$PP" verify cancels.pt2 --at b c
expect_match out "gradient w: error .*, in double precision .*: rounding"
expect_text out "1 value differs by more than the tolerance of 1e-06" \
  "amplifies rounding" "verified"
expect_ok "$PP" verify cancels.pt2 --at b c --forward-only
expect_no_text out "double precision"
expect_exit 5 "$PP" verify cancels.pt2 --at b c --exact
expect_no_text out "double precision"
expect_exit 5 "$PP" verify half.pt2 --at b c
expect_text out "not compared in double precision: 'p_w' is bfloat16" "DIFFERENT"

# A stage that computes something slightly different stays different.
check_python '
import torch
from torch import nn

class Scaled(nn.Linear):
    def forward(self, x):
        return super().forward(x * self.factor)

for name, factor in (("right", 1.5), ("wrong", 1.5 * (1 + 4e-6))):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), Scaled(8, 8))
    model[1].factor = factor
    torch.export.save(torch.export.export(model, (torch.randn(4, 8),)), name + ".pt2")
'
for name in right wrong; do
  expect_ok "$PP" split "$name.pt2" -o "$name" --at 1
done
cp wrong/stage_1.pt2 right/stage_1.pt2
check_python '
import json
right, wrong = (json.load(open(name + "/manifest.json")) for name in ("right", "wrong"))
right["stages"][1]["hash"] = wrong["stages"][1]["hash"]
json.dump(right, open("right/manifest.json", "w"))
'
expect_exit 5 "$PP" verify right
expect_match out \
  "output .*error [1-9].*, in double precision [1-9].*e-06  <-- above tolerance"
expect_text out "DIFFERENT"
expect_no_text out "rounding"
expect_ok "$PP" verify right --tolerance 1e-4
