# pp inspect: a model, a stage directory; text, JSON, dot.
source "$(dirname "$0")/lib.sh"

gpt2="$FIXTURES/gpt2.pt2"
expect_ok "$PP" inspect "$gpt2"
expect_text out "transformer" "wte" "GPT2" "lm_head" "parameters" "FLOPs" \
  "input_ids  int64[" "logits  float32[" "dimension 0 free" \
  "transformer.wte.weight" "tied" "cuts:" "transformer.h.2" \
  "transformer.h.1:end"
[[ ! -s err ]] || fail "nothing to say on stderr"
lines=$(wc -l <out)

expect_ok "$PP" inspect "$gpt2" --depth 1
expect_no_text out "c_attn     Conv1D"
expect_text out "at deeper modules, which a higher --depth lists"
expect_ok "$PP" inspect "$gpt2" --depth 0
expect_match out '^  [0-9]+ at deeper modules, which a higher --depth lists'
expect_no_text out "no legal cuts"
(($(wc -l <out) < lines)) || fail "--depth 1 shows as much as no --depth"

expect_ok "$PP" inspect "$FIXTURES/gpt2-fixed.pt2"
expect_text out "fixed"
expect_no_text out "dimension 0 free"

expect_ok "$PP" inspect "$gpt2" --format json
cp out model.json
check_python '
import json
model = json.load(open("model.json"))
text = json.dumps(model)
for name in "transformer.h.0", "lm_head", "input_ids", "logits":
    assert name in text, name
'
expect_ok "$PP" inspect "$gpt2" --format dot
expect_match out '^digraph '
expect_text out "->" "}"
expect_no_text out "NaN"

# An exported program describes its inputs, so that none may be given.
refused 2 "gpt2.pt2 already describes its inputs; drop --input" \
  "TorchScript only" -- "$PP" inspect "$gpt2" --input x=4

# Every cut that inspect offers can be made (a few of them here).
expect_ok "$PP" inspect "$FIXTURES/llama.pt2"
expect_text out "model.layers.1"
for at in model.layers.1 model.layers.0.mlp:end; do
  expect_ok "$PP" split "$FIXTURES/llama.pt2" -o "stages_$at" --at "$at"
done

# Outputs by the names of a dict and of a dataclass; inputs by keyword.
expect_ok "$PP" inspect "$FIXTURES/dict-output.pt2"
expect_text out "hidden" "logits"
expect_ok "$PP" inspect "$FIXTURES/dataclass-output.pt2"
expect_text out "logits"
expect_ok "$PP" inspect "$FIXTURES/tuple-output.pt2"
expect_text out "output_0" "output_1"

# A stage directory: each stage's modules, and what flows between them.
expect_ok "$PP" split "$gpt2" -o stages --at transformer.h.1 transformer.h.3:end
expect_ok "$PP" inspect stages
expect_text out "stage 0: stage_0.pt2" "stage 2: stage_2.pt2" "data flow" \
  "data     -> stage 0  input_ids" "stage 0  -> stage 1" \
  "stage 1  -> stage 2" "stage 2  -> output   logits"
refused 2 "--input is for a saved model" "stages is a stage directory" -- \
  "$PP" inspect stages --input input_ids=2x4
expect_ok "$PP" inspect stages --format json
cp out stages.json
check_python 'import json; assert "input_ids" in json.dumps(json.load(open("stages.json")))'
expect_ok "$PP" inspect stages --format dot
expect_match out '^digraph '
# With or without a slash, from elsewhere.
mkdir elsewhere && cd elsewhere || exit 1
expect_ok "$PP" inspect ../stages/
cd .. || exit 1
