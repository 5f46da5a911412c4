# Files of earlier format versions: today's pp reads them; newer ones are refused.
source "$(dirname "$0")/lib.sh"

for old in "$SOURCE"/tests/fixtures/formats/version_*; do
  cp -r "$old" old && chmod -R u+w old && cd old || exit 1
  expect_ok "$PP" inspect stages
  expect_text out first second
  expect_ok "$PP" verify stages
  expect_ok "$PP" merge stages -o source.pt2
  expect_ok "$PP" merge stages --checkpoint run/checkpoints/step_2 -o trained.pt2

  # A training continues: its lines stay, and the next step is the same one.
  expect_ok "$PP" run job.toml --resume --set train.steps=3
  check_python '
import json
rows = [json.loads(line) for line in open("run/metrics.jsonl")]
steps = [row for row in rows if "loss" in row]
assert [row["step"] for row in steps] == [1, 2, 3], rows
assert abs(steps[0]["loss"] - 1.07428467) < 1e-6, steps
assert abs(steps[2]["loss"] - 1.06479549) < 1e-5, steps
'
  cd .. && rm -rf old
done

# A newer version is refused by file, version found and version read.
cp -r "$SOURCE/tests/fixtures/formats/version_1" new && chmod -R u+w new
cd new || exit 1
sed -i 's/"version": 1,/"version": 99,/' stages/manifest.json
for command in "inspect stages" "verify stages" "merge stages -o m.pt2" "run job.toml"; do
  # shellcheck disable=SC2086  # words
  refused 3 manifest.json 99 "use a newer pp" -- "$PP" $command
done
cp "$SOURCE/tests/fixtures/formats/version_1/stages/manifest.json" stages/
sed -i 's/"version": 1$/"version": 99/' run/checkpoints/step_2/state.json
refused 3 state.json 99 "use a newer pp" -- \
  "$PP" merge stages --checkpoint run/checkpoints/step_2 -o m.pt2
expect_exit 3 "$PP" run job.toml --resume
expect_text err state.json 99 "use a newer pp"
python_edit='
import json, sys, zipfile
source, target = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
    for name in old.namelist():
        data = old.read(name)
        if name.endswith("extra/pp_source.json"):
            index = json.loads(data)
            records = index["records"] if isinstance(index, dict) else index
            data = json.dumps({"version": 99, "records": records})
        new.writestr(name, data)
'
run "$PYTHON" -c "$python_edit" stages/source.pt2 newer.pt2
mv newer.pt2 stages/source.pt2
refused 3 pp_source.json 99 "use a newer pp" -- "$PP" merge stages -o m.pt2
expect_no_file m.pt2
