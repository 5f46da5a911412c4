# pp verify: 0 where the pipeline computes what the model does, 5 where not.
source "$(dirname "$0")/lib.sh"

expect_ok "$PP" verify "$FIXTURES/mlp-plain.pt2" --stages 3 --exact
expect_text out "3 stages" "equal to the bit" "verified"
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
