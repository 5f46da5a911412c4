# Stage directories that were damaged, and what `run`, `inspect`, `verify` and
# `merge` say to them.
source "$(dirname "$0")/lib.sh"
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o good --at layers.1 layers.2
mlp_job job.toml
sed -i '/^\[split\]/,/^$/d; s#^path = .*#stages = "bad"#' job.toml

damage() {
  rm -rf bad
  cp -r good bad
}
refused_stages() { # TEXT...
  refused 3 "$@" -- "$PP" inspect bad
  refused 3 "$@" -- "$PP" run job.toml
  refused 3 "$@" -- "$PP" run bad --set data.inputs.x.path=x.npy \
    --set data.batch_size=4
  expect_no_file runs
}

damage
expect_ok "$PP" inspect bad
rm bad/stage_1.pt2
refused_stages "stage_1.pt2"
damage
truncate -s -100 bad/stage_2.pt2
refused_stages "stage_2.pt2"
damage
: >bad/stage_0.pt2
refused_stages "stage_0.pt2" "empty"
damage
cp good/stage_1.pt2 bad/stage_2.pt2
refused_stages "stage_2.pt2"
damage
rm bad/manifest.json
refused_stages "bad"
damage
truncate -s -10 bad/manifest.json
refused_stages "manifest.json"
damage
echo '{}' >bad/manifest.json
refused_stages "manifest.json: 'version' is missing"
damage
"$PYTHON" - <<'PY'
import json
text = open("bad/manifest.json").read()
name = json.loads(text)["stages"][1]["inputs"][0]["value"]
open("bad/manifest.json", "w").write(text.replace(f'"{name}"', f'"{name}_x"'))
PY
refused_stages "stage_1.pt2" "manifest.json has" "_x'"
damage
echo '[1, 2' >bad/manifest.json
refused_stages "manifest.json"
damage
sed -i 's#stage_1.pt2#../good/stage_1.pt2#' bad/manifest.json
refused_stages "manifest.json" "../good/stage_1.pt2"
damage
"$PYTHON" - <<'PY'
import json
manifest = json.load(open("bad/manifest.json"))
manifest["version"] = 99
json.dump(manifest, open("bad/manifest.json", "w"))
PY
refused_stages "manifest.json" "99"

# Merge needs the source's part and every stage.
damage
rm bad/source.pt2
refused 3 "source.pt2" -- "$PP" merge bad -o out.pt2
damage
rm bad/stage_1.pt2
refused 3 "stage_1.pt2" -- "$PP" merge bad -o out.pt2
damage
truncate -s -50 bad/stage_0.pt2
refused 3 "stage_0.pt2" -- "$PP" merge bad -o out.pt2
refused 3 "stage_0.pt2" -- "$PP" verify bad
expect_no_file out.pt2
expect_clean .
