# Inference: no [train], outputs.safetensors, compared with Python torch.
source "$(dirname "$0")/lib.sh"

# infer_job NAME MODEL INPUT WHERE-TO-CUT ROWS: writes NAME.toml.
infer_job() {
  cat >"$1.toml" <<TOML
[model]
path = "$FIXTURES/$2.pt2"
mode = "eval"

[split]
at = ["$4"]

[pipeline]
microbatches = 3

[data]
batch_size = 8
inputs.$3 = { path = "$5.npy" }

[output]
dir = "$1"
TOML
}

"$PYTHON" -c '
import numpy as np
rng = np.random.default_rng(0)
np.save("wide.npy", rng.standard_normal((21, 32), dtype=np.float32))
np.save("narrow.npy", rng.standard_normal((10, 8), dtype=np.float32))
np.save("tokens.npy", rng.integers(0, 64, (7, 11)))'

# 21 rows: batches of 8, 8 and 5, microbatches of 3, 3, 2 and 2, 2, 1.
infer_job mlp mlp-eval x layers.2 wide
expect_ok "$PP" run mlp.toml
expect_text out "mlp/outputs.safetensors"
expect_no_text out "loss"
expect_no_file mlp/checkpoints mlp/metrics.jsonl
expect_clean mlp

# Bits are equal under every launcher, number of stages and of microbatches' order.
expect_ok "$PP" run mlp.toml --launcher processes --set output.dir=processes
expect_same mlp/outputs.safetensors processes/outputs.safetensors
expect_ok "$TORCHRUN" --standalone --no-python --nproc-per-node 2 \
  "$PP" run mlp.toml --set output.dir=env
expect_same mlp/outputs.safetensors env/outputs.safetensors
expect_ok "$PP" run mlp.toml --set 'split.at=["layers.1","layers.2","head"]' \
  --schedule GPipe --set output.dir=four
expect_same mlp/outputs.safetensors four/outputs.safetensors

# One stream through several stages per rank: 21 batches of one row, the same
# bits as one batch of 21, and the first rank is ahead of the last.
one=(--set data.batch_size=1 --microbatches 1)
expect_ok "$PP" run mlp.toml --set data.batch_size=21 --microbatches 21 \
  --set 'split.at=[]' --set output.dir=whole
for schedule in GPipe Interleaved1F1B ZBVZeroBubble; do
  expect_ok "$PP" run mlp.toml "${one[@]}" --schedule "$schedule" --ranks 2 \
    --set 'split.at=["layers.1","layers.2","head"]' --set "output.dir=$schedule"
  expect_same whole/outputs.safetensors "$schedule/outputs.safetensors"
  expect_clean "$schedule"
done
expect_ok "$PP" run mlp.toml "${one[@]}" --schedule ZBVZeroBubble --ranks 2 \
  --set 'split.at=["layers.1","layers.2","head"]' --launcher processes \
  --set output.dir=v
expect_same whole/outputs.safetensors v/outputs.safetensors

# Dropout is off in eval mode, whatever mode the export was made in.
infer_job dropout mlp x layers.2 wide
expect_ok "$PP" run dropout.toml

# Several outputs, named by the keys of a dict; one of them.
infer_job dict dict-output x second narrow
expect_ok "$PP" run dict.toml
expect_ok "$PP" run dict.toml --set 'output.save=["hidden"]' \
  --set output.dir=hidden
refused 2 "'logit'" "extra.logits" \
  -- "$PP" run dict.toml --set 'output.save=["logit"]'

# GPT-2 on sequences of another length than it was exported with.
infer_job gpt2 gpt2-eval input_ids transformer.h.2 tokens
expect_ok "$PP" run gpt2.toml
expect_ok "$PP" run gpt2.toml --set output.dir=argmax \
  --set 'output.outputs.logits={reduce="argmax"}'

# The outputs that all of them should have.
cat >compare.py <<'PY'
import sys
import numpy as np, torch
import transformers.modeling_outputs  # the class of GPT-2's output
from safetensors.torch import load_file

def check(name, model, want):
    got = load_file(f"{name}/outputs.safetensors")
    assert sorted(got) == sorted(want), (name, sorted(got))
    for key, value in want.items():
        assert got[key].dtype == value.dtype, (name, key)
        assert got[key].shape == value.shape, (name, key, got[key].shape)
        error = (got[key] - value).abs().max() / value.abs().max()
        assert error < 1e-5, (name, key, error)

def module(name):
    return torch.export.load(f"{sys.argv[1]}/{name}.pt2").module()

wide, narrow, tokens = (torch.from_numpy(np.load(f"{n}.npy"))
                        for n in ("wide", "narrow", "tokens"))
with torch.no_grad():
    want = module("mlp-eval")(wide)
    check("mlp", "mlp-eval", {"output_0": want})
    check("dropout", "mlp", {"output_0": want})
    want = module("dict-output")(narrow)
    logits = want["extra"]["logits"]
    check("dict", "dict-output", {"hidden": want["hidden"], "extra.logits": logits})
    check("hidden", "dict-output", {"hidden": want["hidden"]})
    logits = module("gpt2-eval")(input_ids=tokens).logits
    check("gpt2", "gpt2-eval", {"logits": logits})
    check("argmax", "gpt2-eval", {"logits": logits.argmax(-1)})
PY
run "$PYTHON" compare.py "$FIXTURES"
((status == 0)) || fail "not what Python torch computes"
