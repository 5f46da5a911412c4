# Folders of transformers, there and back: pp export, training, pp merge --hf, and
# from_pretrained, for GPT-2, LLaMA, BERT, T5 and ViT.
source "$(dirname "$0")/lib.sh"
folder() { "$PYTHON" "$SOURCE/tests/cli/hf_folder.py" "$@"; }
folder make . >out 2>err || fail "the models can't be saved"

check() {
  command_line="hf_folder.py check $*"
  folder check "$@" >out 2>err
  status=$?
  ((status == 0)) || fail "$2 is not the trained $1"
}

for name in gpt2 llama bert t5 vit; do
  expect_ok "$PP" export $name -o $name.pt2
  expect_text out "$name.pt2: " "free: batch"
  folder job $name >$name.toml
  expect_ok "$PP" run $name.toml
  cut="$(sed -n 's/^at = "\(.*\)"/\1/p' $name.toml)"
  expect_ok "$PP" split $name.pt2 -o $name.stages --at "$cut"
  expect_ok "$PP" merge $name.stages --checkpoint ${name}_run -o $name.trained.pt2
  expect_ok "$PP" merge $name.stages --checkpoint ${name}_run --hf $name \
    -o $name.out
  expect_text out "wrote $name.out"
  check $name $name.out $name.trained.pt2 fp32
done
expect_file gpt2.out/{model.safetensors,config.json,generation_config.json}
expect_same gpt2/tokenizer.json gpt2.out/tokenizer.json
expect_same gpt2/merges.txt gpt2.out/merges.txt
expect_no_file gpt2.out/optimizer.pt gpt2.out/model.safetensors.index.json

# In shards and as bfloat16; an earlier result is replaced as a whole.
for name in gpt2 t5; do
  expect_ok "$PP" merge $name.stages --checkpoint ${name}_run --hf $name \
    -o $name.out --dtype bf16 --shard-size 4KB
  expect_file $name.out/model-00001-of-*.safetensors \
    $name.out/model.safetensors.index.json
  expect_no_file $name.out/model.safetensors
  check $name $name.out $name.trained.pt2 bf16
done
# The untrained stages give the folder's own weights; pp reads the shards again.
expect_ok "$PP" merge gpt2.stages --hf gpt2 -o gpt2.same --shard-size 6000
expect_ok "$PP" export gpt2 -o gpt2.empty.pt2 --empty
expect_ok "$PP" split gpt2.empty.pt2 --weights gpt2.same -o gpt2.again \
  --at transformer.h.1
expect_ok "$PP" merge gpt2.again -o again.safetensors
expect_ok "$PP" merge gpt2.stages -o own.safetensors
expect_same own.safetensors again.safetensors
check_python '
import sys, json
from pathlib import Path
from safetensors.torch import load_file
files = sorted(Path("gpt2.same").glob("*.safetensors"))
assert len(files) > 2, files
for file in files:
    tensors = load_file(file)
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    assert size <= 6000 or len(tensors) == 1, (file, size)
shards = {k: v for f in files for k, v in load_file(f).items()}
own = load_file("gpt2/model.safetensors")
assert shards.keys() == own.keys()
assert all(shards[k].equal(v) for k, v in own.items())
index = json.load(open("gpt2.same/model.safetensors.index.json"))
assert index["metadata"]["total_size"] == sum(v.numel() * 4 for v in own.values())
assert all(k in load_file(f"gpt2.same/{f}") for k, f in index["weight_map"].items())
'

# The names are those of the folder, which may lack the first part.
"$PYTHON" -c '
import shutil, sys
from safetensors.torch import load_file, save_file
shutil.copytree("gpt2", "short")
own = load_file("gpt2/model.safetensors")
save_file({k.removeprefix("transformer."): v for k, v in own.items()},
          "short/model.safetensors", {"format": "pt"})
' || fail "no folder with short names"
expect_ok "$PP" merge gpt2.stages --checkpoint gpt2_run --hf short -o short.out
check_python '
from safetensors.torch import load_file
short, full = (load_file(f"{n}/model.safetensors") for n in ("short.out", "short"))
assert short.keys() == full.keys() and "wte.weight" in short
'

# Targets and folders that don't fit are refused.
refused 3 "nowhere" "no config.json" -- "$PP" merge gpt2.stages --hf nowhere -o x
refused 2 "-o gpt2 is the folder that --hf names" \
  -- "$PP" merge gpt2.stages --hf gpt2 -o gpt2 --force
refused 2 "-o llama exists and was not written by pp merge" "--force" \
  -- "$PP" merge gpt2.stages --hf gpt2 -o llama
refused 2 "-o gpt2.pt2 is a file" -- "$PP" merge gpt2.stages --hf gpt2 -o gpt2.pt2
refused 2 "--dtype requires --hf" -- "$PP" merge gpt2.stages -o x.pt2 --dtype bf16
refused 2 "--dtype" -- "$PP" merge gpt2.stages --hf gpt2 -o x --dtype int8
"$PYTHON" - <<'PY' || fail "no folder of another size"
import json, shutil
from safetensors.torch import load_file, save_file
shutil.copytree("gpt2", "other")
own = load_file("gpt2/model.safetensors")
save_file(own | {"transformer.wpe.weight": own["transformer.wpe.weight"][:8].clone()},
          "other/model.safetensors", {"format": "pt"})
PY
refused 3 "other: 'transformer.wpe.weight' is [8, 16] there, but [32, 16]" \
  -- "$PP" merge gpt2.stages --hf other -o x
cp gpt2/model.safetensors other/
echo '[' >other/config.json
refused 3 "other/config.json" -- "$PP" merge gpt2.stages --hf other -o x
expect_no_file x
mkdir mine && echo x >mine/file
refused 2 "-o mine exists" -- "$PP" merge gpt2.stages --hf gpt2 -o mine
expect_ok "$PP" merge gpt2.stages --hf gpt2 -o mine --force
expect_no_file mine/file

# pp export: one line says what is missing.
refused 3 "nowhere has no config.json" -- "$PP" export nowhere
refused 2 "can't start no-python" "--python" -- "$PP" export gpt2 --python no-python
refused 2 "transformers has no class Nothing" -- "$PP" export gpt2 --class Nothing
refused 2 "--batch" -- "$PP" export gpt2 --batch 1
mkdir plain && "$PYTHON" -c '
import os, sys
os.symlink(os.path.realpath(sys.executable), "plain/python3")'
refused 2 "plain/python3 lacks a module: No module named 'torch'" "--python" \
  -- "$PP" export gpt2 --python "$work/plain/python3"
mkdir pickled && cp gpt2/config.json pickled && touch pickled/pytorch_model.bin
refused 3 "pickled: the weights are pickles" -- "$PP" export pickled
# The current folder's modules aren't used.
echo 'raise SystemExit("this is not torch")' >torch.py
expect_ok "$PP" export gpt2 -o sub/gpt2.pt2 --batch 3 --seq 9
expect_file sub/gpt2.pt2
rm torch.py
expect_clean .
