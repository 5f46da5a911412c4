# Stages exported by hand: chained, trained under every schedule, inferred.
source "$(dirname "$0")/lib.sh"
hand="$SOURCE/tests/cli/hand_stages.py"
"$PYTHON" "$hand" export . >/dev/null 2>&1 || fail "the stages can't be exported"
cat >job.toml <<'TOML'
[model]
stages = ["0.pt2", "1.pt", "2.pt2", "3.pt2"]

[pipeline]
microbatches = 4

[data]
batch_size = 16
shuffle = false
inputs.x = { path = "x.npy" }
inputs.scale = { path = "scale.npy" }
target = { path = "target.npy" }

[train]
steps = 3
loss = { name = "mse", output = "out" }
optimizer = { name = "sgd", lr = 0.1 }
TOML

# train NAME ARGS...: into the folder NAME
runs=()
train() {
  expect_ok "$PP" run job.toml --set output.dir="$1" "${@:2}"
  runs+=("$1")
}
# A stage a rank, and neighbours as one on fewer; every launcher.
for ranks in 4 3 2 1; do
  train "1F1B_$ranks" --ranks "$ranks"
done
train GPipe --schedule GPipe --ranks 2
train processes --ranks 2 --launcher processes
expect_ok "$TORCHRUN" --no-python --standalone --nproc-per-node 3 "$PP" run \
  job.toml --set output.dir=env
runs+=(env)
for schedule in Interleaved1F1B LoopedBFS InterleavedZeroBubble ZBVZeroBubble \
  VHalf VMin; do
  train "$schedule" --schedule "$schedule" --ranks 2
done
train DualPipeV --schedule DualPipeV --ranks 1
train InterleavedOf3 --schedule InterleavedZeroBubble --ranks 3
train one_each --schedule InterleavedZeroBubble --ranks 2 \
  --set pipeline.stages_per_rank=1
expect_ok "$PP" schedule 1F1B --ranks 2 --microbatches 4 --format csv -o two.csv
train csv --schedule two.csv --ranks 2

# A directory of stages works like a list of them.
expect_ok "$PP" split --assemble 0.pt2 1.pt 2.pt2 3.pt2 -o stages
expect_text out "relays 'skip' of stage 0: read by stage 3" "wrote stages"
expect_file stages/stage_0.pt2 stages/stage_1.pt stages/manifest.json
expect_no_file stages/source.pt2
expect_same 2.pt2 stages/stage_2.pt2
expect_ok "$PP" inspect stages
expect_text out "stage_1.pt" "relayed"
sed 's/^stages = .*/stages = "stages"/' job.toml >directory.toml
expect_ok "$PP" run directory.toml --set output.dir=directory --ranks 2
runs+=(directory)
run "$PYTHON" "$hand" check . "${runs[@]}"
((status == 0)) || fail "not what Python computes"
expect_ok "$PP" verify stages --schedule ZBVZeroBubble

# Inference, the early output included.
sed '/^\[train\]/,$d; /^target/d' job.toml >infer.toml
for ranks in 4 2; do
  expect_ok "$PP" run infer.toml --set output.dir=inferred --ranks "$ranks"
  run "$PYTHON" "$hand" infer . inferred
  ((status == 0)) || fail "outputs are not what Python computes"
done

# Stopped on four ranks, resumed on two and under another schedule.
cp -r 1F1B_4 resumed
expect_ok "$PP" run job.toml --set output.dir=whole --set train.steps=5 --ranks 4
expect_ok "$PP" run job.toml --set output.dir=resumed --set train.steps=5 \
  --resume --schedule ZBVZeroBubble --ranks 2
check_python '
from safetensors.torch import load_file
for part in range(4):
    a, b = (load_file(f"{run}/checkpoints/step_5/part_{part}.safetensors")
            for run in ("whole", "resumed"))
    assert a.keys() == b.keys() and all(a[k].equal(b[k]) for k in a), part
'

# Stages of one format become one model, which is cut again like any other.
joined() {
  run "$PYTHON" "$hand" "$@"
  ((status == 0)) || fail "the joined model is another"
}
expect_ok "$PP" split --assemble 0.pt2 exported_1.pt2 2.pt2 3.pt2 -o exported
expect_ok "$PP" merge exported -o joined.pt2
joined joined . joined.pt2
expect_ok "$PP" verify joined.pt2 --at stage_1 stage_2.lin stage_3 --exact
sed 's/^stages = .*/stages = "exported"/' job.toml >exported.toml
expect_ok "$PP" run exported.toml --set output.dir=runs_exported --ranks 4
expect_ok "$PP" merge exported -o trained.pt2 \
  --checkpoint runs_exported/checkpoints/step_3
joined joined . trained.pt2 runs_exported
# same_state MODEL WEIGHTS: the weights alone are the model's state dict.
same_state() {
  check_python '
import sys, torch
from safetensors.torch import load_file
path, weights = sys.argv[1:]
load = torch.jit.load if path.endswith(".pt") else torch.export.load
want, got = load(path).state_dict, load_file(weights)
want = want() if callable(want) else want
assert got.keys() == want.keys(), got.keys() ^ want.keys()
assert all(got[name].equal(want[name]) for name in want)' "$@"
}
expect_ok "$PP" merge exported -o trained.safetensors \
  --checkpoint runs_exported/checkpoints/step_3
same_state trained.pt2 trained.safetensors
expect_ok "$PP" merge exported -o joined.safetensors
same_state joined.pt2 joined.safetensors
expect_ok "$PP" split --assemble traced_{0,1,2,3}.pt -o traced
expect_ok "$PP" merge traced -o joined.pt
joined joined . joined.pt
expect_ok "$PP" merge traced -o trained.pt \
  --checkpoint runs_exported/checkpoints/step_3
joined joined . trained.pt runs_exported
expect_ok "$PP" merge traced -o traced.safetensors \
  --checkpoint runs_exported/checkpoints/step_3
same_state trained.pt traced.safetensors
expect_ok "$PP" split --assemble a.pt2 b.pt2 -o pair
expect_ok "$PP" merge pair -o pair.pt2
joined pair . pair.pt2
expect_ok "$PP" verify pair.pt2 --at b --exact
refused 3 "nowhere" -- "$PP" merge pair --checkpoint nowhere -o no.pt2
refused 3 "runs_exported" "a.bias" "a.weight" -- "$PP" merge pair -o no.pt2 \
  --checkpoint runs_exported/checkpoints/step_3

# Stages that don't fit are named before anything runs.
refused 3 "narrow.pt2 expects 'input' as float32[4, 5]" "2.pt2 has 'y'" \
  -- "$PP" split --assemble 2.pt2 narrow.pt2 -o bad
refused 3 "narrow.pt2" -- "$PP" run job.toml \
  --set 'model.stages=["2.pt2","narrow.pt2"]'
refused 3 "no_such.pt2" -- "$PP" split --assemble 0.pt2 no_such.pt2 -o bad
refused 2 "5 ranks" "4 stages" -- "$PP" run job.toml --ranks 5
refused 2 "needs 6 stages" "split into 4" -- "$PP" run job.toml --ranks 3 \
  --schedule ZBVZeroBubble
refused 2 "needs 8 stages" -- "$PP" run job.toml --ranks 2 \
  --set pipeline.stages_per_rank=4
refused 2 "stage_0.pt2" "stage_1.pt " "different formats" \
  -- "$PP" merge stages -o merged.pt2
expect_no_file bad merged.pt2 no.pt2
cp 3.pt2 stages/stage_2.pt2
refused 3 "stage_2.pt2" "changed or replaced" -- "$PP" run directory.toml
expect_clean .
