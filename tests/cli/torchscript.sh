# A traced and a scripted model go the whole way: inspect, split, verify,
# train, merge.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml

for how in trace script; do
  model="$FIXTURES/mlp-plain-$how.pt"
  expect_ok "$PP" inspect "$model"
  expect_text out "layers" "head" "parameters" "4.6K"
  expect_ok "$PP" split "$model" -o $how --at layers.2
  expect_file $how/manifest.json $how/stage_{0,1}.pt
  expect_ok "$PP" inspect $how
  expect_text out "stage 0: stage_0.pt" "data flow"
  if [[ $how == trace ]]; then
    expect_ok "$PP" verify $how --exact
  else # it does not say what sizes its input has
    refused 2 "input 'x'" "--input x=" -- "$PP" verify $how --exact
    expect_ok "$PP" verify $how --exact --input x=6x32
    expect_ok "$PP" verify "$model" --at layers.1 head --exact --input x=6x32 \
      --schedule Interleaved1F1B
    refused 2 "--input y" -- "$PP" verify "$model" --at head --input y=6x32
    refused 2 "--input" -- "$PP" verify "$model" --input x=6by32
    # Sizes make costs: bytes, FLOPs and times.
    expect_ok "$PP" inspect "$model" --input x=6x32
    expect_match out "^mlp-plain-script\.pt .* [1-9][0-9.]*K$"
    expect_ok "$PP" split "$model" -o timed --stages 3 --balance time \
      --input x=6x32
    expect_file timed/stage_2.pt
    expect_ok "$PP" verify timed --exact # the split knows its inputs' sizes
  fi

  sed "/^\[split\]/,/^\$/d; s#^path = .*mlp.*#stages = \"$how\"#" job.toml \
    >$how.toml
  expect_ok "$PP" run $how.toml --set output.dir=runs_$how
  expect_ok "$PP" merge $how -o same_$how.pt
  expect_ok "$PP" merge $how --checkpoint runs_$how/checkpoints/step_6 \
    -o new_$how.pt
  expect_ok "$PP" split "$model" -o four_$how --at layers.1 layers.2:end head
done

# It is the same job as the exported model's: the same bits.
expect_ok "$PP" run job.toml --set output.dir=runs
check_python '
import json, sys, torch
from safetensors.torch import load_file
fixtures = sys.argv[1]
def weights(name):
    out = {}
    for part in 0, 1:
        out |= load_file(f"{name}/checkpoints/step_6/part_{part}.safetensors")
    return out
want = weights("runs")
for how in "trace", "script":
    got = weights(f"runs_{how}")
    assert got.keys() == want.keys(), how
    assert all(got[k].equal(want[k]) for k in want), how
    source = torch.jit.load(f"{fixtures}/mlp-plain-{how}.pt")
    x = torch.randn(5, 32)
    same, new = (torch.jit.load(f"{n}_{how}.pt") for n in ("same", "new"))
    assert same(x).equal(source(x))
    assert not new(x).equal(source(x))
    for fqn, tensor in new.state_dict().items():
        assert tensor.equal(want[fqn]), fqn
    value = x
    for k in 0, 1:
        value = torch.jit.load(f"{how}/stage_{k}.pt")(value)
        value = value[0] if isinstance(value, tuple) else value
    assert value.equal(source(x))
' "$FIXTURES"

# Branches and loops that depend on what is computed are run whole, in training
# as well; a cut inside is refused by name.
for case in branch repeat; do
  model="$FIXTURES/torchscript/$case-script.pt"
  expect_ok "$PP" split "$model" -o "cut_$case" --at last
  for schedule in 1F1B ZBVZeroBubble; do
    at=last
    [[ $schedule == 1F1B ]] || at="first:end"
    expect_ok "$PP" verify "$model" --at "$at" --input x=6x8 --exact \
      --schedule "$schedule"
  done
  expect_ok "$PP" verify "cut_$case" --input x=3x8 --exact
done
refused 2 "'pick.wide'" "inside" "prim::If" "a branch or loop must run in one stage" \
  -- "$PP" split "$FIXTURES/torchscript/branch-script.pt" -o no --at pick.wide
refused 2 "'step.mix'" "inside" "prim::Loop" \
  -- "$PP" split "$FIXTURES/torchscript/repeat-script.pt" -o no \
  --at step.mix:end
expect_no_file no

# A script keeps its calls of pipe_split().
expect_ok "$PP" split "$FIXTURES/torchscript/marked-script.pt" -o marked --markers
expect_file marked/stage_1.pt
expect_no_file marked/stage_2.pt
expect_ok "$PP" verify marked --input x=4x8 --exact
expect_ok "$PP" verify "$FIXTURES/torchscript/marked-script.pt" --at b \
  --input x=4x8 --exact
refused 2 "a marker lies inside" "prim::If" -- "$PP" split \
  "$FIXTURES/torchscript/marked-inside-script.pt" -o no --markers
expect_no_file no

# [model] mode: flags inside branches, and branches on self.training.
"$PYTHON" -c '
import numpy
numpy.save("eight.npy", numpy.random.default_rng(0).normal(
    size=(8, 8)).astype("float32"))'
cat >modes.toml <<TOML
[model]
path = "$FIXTURES/torchscript/modes-train-script.pt"
mode = "eval"
[split]
at = ["last"]
[pipeline]
microbatches = 2
[data]
batch_size = 8
inputs.x = { path = "eight.npy" }
TOML
expect_ok "$PP" run modes.toml --set output.dir=as_eval
expect_ok "$PP" run modes.toml --set output.dir=as_train --set \
  "model.path=$FIXTURES/torchscript/modes-eval-script.pt" --set model.mode=train
check_python '
import sys, numpy, torch
from safetensors.torch import load_file
x = torch.from_numpy(numpy.load("eight.npy"))
for saved, mode in ("train", "eval"), ("eval", "train"):
    module = torch.jit.load(f"{sys.argv[1]}/torchscript/modes-{saved}-script.pt")
    module.train(mode == "train")
    with torch.no_grad():
        want = torch.cat([module(rows) for rows in x.chunk(2)])
    got, = load_file(f"as_{mode}/outputs.safetensors").values()
    assert (got - want).abs().max() < 1e-6, mode
' "$FIXTURES"
