# --help of every command, and command lines without meaning.
source "$(dirname "$0")/lib.sh"

# A help page fits a screen and has an example.
for name in "" export inspect init split run verify merge schedule; do
  # shellcheck disable=SC2086 # no name: no argument
  expect_ok "$PP" $name --help
  expect_text out "Example: pp ${name:-split}"
  (($(wc -l <out) <= 40)) || fail "longer than 40 lines"
  (($(wc -L <out) <= 80)) || fail "wider than 80 columns"
  [[ ! -s err ]] || fail "help goes to stdout"
done
expect_ok "$PP" --help
expect_text out export inspect init split run verify merge schedule
expect_ok "$PP" --version
expect_match out '^pp [0-9]+\.[0-9]+\.[0-9]+$'

refused 2 "inspect" -- "$PP"
refused 2 "spilt" "did you mean 'split'" -- "$PP" spilt model.pt2
refused 2 "qwertz" -- "$PP" qwertz
refused 2 "--dept" "did you mean '--depth'" -- "$PP" inspect m.pt2 --dept 2
refused 2 "--shedule" "did you mean '--schedule'" \
  -- "$PP" run job.toml --shedule GPipe
refused 2 "--depth" "x" -- "$PP" inspect m.pt2 --depth x
refused 2 "--format" "xml" "text" -- "$PP" inspect m.pt2 --format xml
refused 2 "--output" -- "$PP" split m.pt2 --at a
refused 2 "--output" -- "$PP" merge stages
refused 2 "--at" "--stages" -- "$PP" split m.pt2 -o s --at a --stages 2
refused 2 "--stages" -- "$PP" split m.pt2 -o s --stages 0
refused 2 "--launcher" "slurm" -- "$PP" run job.toml --launcher slurm
refused 2 "--microbatches" -- "$PP" run job.toml --microbatches 0
refused 2 "--exact" "--tolerance" \
  -- "$PP" verify stages --exact --tolerance 1e-3
refused 2 "--tolerance" -- "$PP" verify stages --tolerance -1
refused 2 "'extra'" "pp inspect --help" -- "$PP" inspect m.pt2 extra
refused 2 "does not accept '100'" -- "$PP" schedule 1F1B 100 --ranks 2
refused 2 "does not accept '--colour'" -- "$PP" split --colour 100 m.pt2 -o s
refused 2 "unknown command 'plan'" -- "$PP" plan --help
for arguments in "inspect" "run" "verify" "split -o s --stages 2" "merge -o m"; do
  # shellcheck disable=SC2086 # words of a command line
  refused 2 "must not be empty" -- "$PP" $arguments ""
done
refused 2 "--output" "must not be empty" -- "$PP" split m.pt2 --at a -o ""

# A full disk is an error.
command_line="pp inspect >/dev/full"
"$PP" inspect "$FIXTURES/mlp.pt2" >/dev/full 2>err
status=$?
((status == 4)) || fail "expected exit code 4, not $status"
expect_text err "No space left"
command_line="pp --help >/dev/full"
"$PP" --help >/dev/full 2>err
status=$?
((status == 4)) || fail "expected exit code 4, not $status"
expect_text err "No space left"
mlp_job job.toml
command_line="pp run >/dev/full"
"$PP" run job.toml --set train.steps=1 >/dev/full 2>err
status=$?
((status == 4)) || fail "expected exit code 4, not $status"
expect_text err "cannot write"
expect_file runs/metrics.jsonl

# Files that are not job files.
refused 3 "nowhere.toml" "no such job file" -- "$PP" run nowhere.toml
refused 2 "is a saved model" "job file" -- "$PP" run "$FIXTURES/mlp-plain.pt2"
if ((UID != 0)); then
  cp job.toml secret.toml && chmod 000 secret.toml
  refused 3 "secret.toml" "Permission denied" -- "$PP" run secret.toml
fi
mkdir empty
refused 3 "empty" "not a stage directory" -- "$PP" verify empty
refused 3 "empty" "not a stage directory" -- "$PP" inspect empty

# A reader that has closed the pipe only ends the output.
"$PP" inspect "$FIXTURES/gpt2.pt2" --format json 2>err | head -n 1 >out
[[ ! -s err ]] || fail "complains when its reader goes"
