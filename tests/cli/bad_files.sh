# Model files that are not what they should be: exit code 3, one line that
# names the file and the fault, and nothing written.
source "$(dirname "$0")/lib.sh"

# Every command that reads a model says the same.
refused_model() { # FILE TEXT...
  local file="$1"
  shift
  refused 3 "$file" "$@" -- "$PP" inspect "$file"
  refused 3 "$file" "$@" -- "$PP" split "$file" -o stages --stages 2
  refused 3 "$file" "$@" -- "$PP" verify "$file" --stages 2
  refused 3 "$file" "$@" -- "$PP" run job.toml --set model.path="$file"
  expect_no_file stages runs
}
mlp_job job.toml

refused_model "$work/missing.pt2" "No such file"
mkdir folder
refused_model "$work/folder" "folder"
: >empty.pt2
refused_model "$work/empty.pt2" "empty"
echo "hello, world" >text.pt2
refused_model "$work/text.pt2" "zip"
head -c 100000 /dev/urandom >noise.pt2
refused_model "$work/noise.pt2" "zip"
refused_model /dev/null "not a regular file"
refused_model "$FIXTURES/not-a-model.pt2" "export"
refused_model "$FIXTURES/state-dict.pt" "state dict" "torch.export.save"
refused_model "$FIXTURES/pickled-module.pt" "torch.export.save"
refused_model "$FIXTURES/pickled-object.pt" "pickle" "torch.export.save"
refused_model "$FIXTURES/aotinductor.pt2" "AOTInductor" "torch.export.save"
refused_model "$FIXTURES/unknown-operator.pt2" "models/model.json" "'mystery'" \
  "pp_models::mystery"

# An archive cut off anywhere.
size=$(stat -c %s "$FIXTURES/gpt2.pt2")
for part in 1 30 5000 $((size / 2)) $((size - 30)) $((size - 1)); do
  head -c "$part" "$FIXTURES/gpt2.pt2" >cut.pt2
  refused 3 "cut.pt2" -- "$PP" split cut.pt2 -o stages --at transformer.h.2
done
head -c $((size / 2)) "$FIXTURES/gpt2.pt2" >cut.pt2
refused_model "$work/cut.pt2" "truncated"

# Records that are missing or changed.
cat >patch.py <<'PY'
"""patch.py IN OUT RECORD-SUFFIX CODE: CODE maps the record's bytes b."""
import json, sys, zipfile
source, target, suffix, code = sys.argv[1:]
found = 0
with zipfile.ZipFile(source) as a, zipfile.ZipFile(target, "w") as b:
    for info in a.infolist():
        content = a.read(info)
        if info.filename.endswith(suffix):
            found += 1
            content = eval(code, {"b": content, "json": json})
        if content is not None:
            b.writestr(zipfile.ZipInfo(info.filename), content)
assert found == 1, (suffix, found)
PY
patched() {
  command_line="patch.py $*"
  "$PYTHON" patch.py "$FIXTURES/mlp-plain.pt2" bad.pt2 "$@" || fail "no patch"
}
patched data/weights/weight_3 None
refused_model "$work/bad.pt2" "weight_3" "missing"
patched data/weights/weight_3 'b[:-4]'
refused_model "$work/bad.pt2" "weight_3"
patched data/weights/weight_3 'b""'
refused_model "$work/bad.pt2" "weight_3"
patched models/model.json None
refused_model "$work/bad.pt2" "model"
patched models/model.json 'b[:3000]'
refused_model "$work/bad.pt2" "models/model.json"
patched models/model.json 'b"[]"'
refused_model "$work/bad.pt2" "models/model.json"
patched models/model.json 'b.replace(b"torch.ops.aten.linear.default", b"torch.ops.aten.linaer.default", 1)'
refused_model "$work/bad.pt2" "models/model.json" "linaer"
patched models/model.json 'json.dumps(json.loads(b) | {"schema_version": {"major": 99, "minor": 0}}).encode()'
refused_model "$work/bad.pt2" "99"
patched models/model.json 'json.dumps(json.loads(b) | {"schema_version": {"major": 5, "minor": 1}}).encode()'
refused_model "$work/bad.pt2" "5"
# A size that would take all memory.
patched models/model.json 'b.replace(b"\"as_int\": 32", b"\"as_int\": 99999999999999")'
run "$PP" split bad.pt2 -o stages --at layers.2
((status == 3 || status == 2)) || fail "a huge size ends with $status"
expect_no_file stages

# A byte in the middle of a weight changes no size: the model is still valid.
expect_clean .
