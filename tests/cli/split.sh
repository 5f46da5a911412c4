# pp split: the files that it writes, and that Python opens them.
source "$(dirname "$0")/lib.sh"

# Cuts before and after a module; stages of the GPT-2's tied embedding.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o stages \
  --at transformer.h.1 transformer.h.2:end
expect_text out "transformer.h.0" "lm_head" "tied: transformer.wte.weight" \
  "wrote stages"
expect_file stages/manifest.json stages/source.pt2 stages/stage_{0,1,2}.pt2
expect_no_file stages/stage_3.pt2
expect_clean .
[[ "$(ls -A)" == $'err\nout\nstages' ]] || fail "left more than the stages: $(ls -A)"

# Called in sequence in Python, the stages give the model's output.
check_python '
import json, sys, torch
import transformers.modeling_outputs  # the class of the output
from safetensors.torch import load_file
manifest = json.load(open("stages/manifest.json"))
stages = [torch.export.load(f"stages/stage_{k}.pt2").module() for k in range(3)]
reference = load_file(sys.argv[1])
with torch.no_grad():
    value = stages[0](input_ids=reference["input.input_ids"])
    for stage in stages[1:]:
        value = stage(*value) if isinstance(value, (tuple, list)) else stage(value)
value = value[0] if isinstance(value, (tuple, list)) else value
value = value["logits"] if isinstance(value, dict) else value
error = (value - reference["output.logits"]).abs().max()
assert error < 1e-6, error
fqns = [set(torch.export.load(f"stages/stage_{k}.pt2").state_dict) for k in range(3)]
assert "transformer.h.0.ln_1.weight" in fqns[0]
assert "transformer.h.2.ln_1.weight" in fqns[1]
assert "transformer.h.3.ln_1.weight" in fqns[2]
' "$FIXTURES/gpt2.ref.safetensors"

# Split points that mean the same place are one cut.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o same \
  --at transformer.h.1:end transformer.h.2
expect_file same/stage_1.pt2
expect_no_file same/stage_2.pt2
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o comma \
  --at transformer.h.1,transformer.h.2
expect_file comma/stage_2.pt2
# Their order does not matter.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o order \
  --at transformer.h.2:end --at transformer.h.1
for file in stage_0.pt2 stage_1.pt2 stage_2.pt2; do
  expect_same "stages/$file" "order/$file"
done

# Balanced stages, by each measure.
for balance in params flops memory; do
  expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o "by_$balance" --stages 4 \
    --balance "$balance"
  expect_file "by_$balance/stage_3.pt2"
  expect_no_file "by_$balance/stage_4.pt2"
done

# Stages balanced by time, which is measured first.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o by_time --stages 4 --balance time
expect_match out "^predicted forward time with transfers, ms: ([0-9.]+, ){3}[0-9.]+$"
expect_file by_time/stage_3.pt2
expect_ok "$PP" verify by_time --microbatches 2
# No stage holds more than it may.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o small --stages 4 \
  --balance flops --memory 440KB
expect_file small/stage_3.pt2

# A long skip connection is relayed through the stage between.
expect_ok "$PP" split "$FIXTURES/skip.pt2" -o skip --stages 3
expect_file skip/stage_2.pt2
# Cheap values are computed again, unless that is turned off.
expect_ok "$PP" split "$FIXTURES/llama.pt2" -o remat --at model.layers.2
expect_text out "recomputes"
expect_ok "$PP" split "$FIXTURES/llama.pt2" -o relay --at model.layers.2 \
  --no-remat
expect_no_text out "recomputes"

# A stage directory may be written anew; nothing of the old one stays.
expect_ok "$PP" split "$FIXTURES/gpt2.pt2" -o stages --at transformer.h.2
expect_no_file stages/stage_2.pt2
expect_ok "$PP" inspect stages
# Into a folder that does not exist yet, and into an empty one.
mkdir empty
expect_ok "$PP" split "$FIXTURES/mlp.pt2" -o empty --at layers.2
expect_file empty/stage_1.pt2
expect_ok "$PP" split "$FIXTURES/mlp.pt2" -o deep/er/stages/ --at layers.2
expect_file deep/er/stages/stage_1.pt2
