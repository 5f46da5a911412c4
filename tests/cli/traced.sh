# Checks what commands open, write, start and connect to, as the kernel sees it:
# nothing beyond the files that the command line and the job name, whatever a model
# asks for.
source "$(dirname "$0")/lib.sh"

if ! strace -qq -o /dev/null true 2>/dev/null; then
  echo "strace can't trace on this machine"
  trap - EXIT
  rm -rf "$work"
  exit 77 # skipped
fi
"$PYTHON" -W ignore "$SOURCE/tests/cli/hostile.py" "$work" 2>/dev/null ||
  fail "hostile.py"
mlp_job job.toml

# keeps_to [--reads PATH]... [--writes PATH]... -- COMMAND...
keeps_to() { expect_ok "$PYTHON" "$SOURCE/tests/cli/traced.py" "$@"; }

# A model that does nothing but compute.
plain="$FIXTURES/mlp-plain.pt2"
job=(--reads job.toml --reads x.npy --reads y.npy)
keeps_to --reads "$plain" -- "$PP" inspect "$plain"
keeps_to --reads "$plain" --writes stages -- \
  "$PP" split "$plain" -o stages --stages 2 --balance time
keeps_to --reads "$plain" -- "$PP" verify "$plain" --stages 2
for launcher in local processes; do
  keeps_to --reads "$plain" "${job[@]}" --writes runs -- \
    "$PP" run job.toml --overwrite --set pipeline.launcher="$launcher"
  expect_file runs/metrics.jsonl
done
keeps_to --reads stages --reads runs --writes merged.pt2 -- \
  "$PP" merge stages --checkpoint runs/checkpoints/step_6 -o merged.pt2
expect_file merged.pt2

# Models that try to do more.
for file in *.pt2 *.pt; do
  [[ "$file" != merged.pt2 ]] || continue
  own=("${job[@]}" --reads "$file" --writes own)
  keeps_to --reads "$file" -- "$PP" inspect "$file"
  keeps_to --reads "$file" --writes own_stages -- \
    "$PP" split "$file" -o own_stages --stages 2 --balance time
  keeps_to --reads "$file" -- "$PP" verify "$file" --stages 2
  keeps_to "${own[@]}" -- "$PP" run job.toml --set model.path="$work/$file" \
    --set output.dir="$work/own"
  expect_no_file trap
done

# The trace does see what a model does once its user lets it.
expect_exit 1 "$PYTHON" "$SOURCE/tests/cli/traced.py" --reads file.pt2 -- \
  "$PP" verify file.pt2 --stages 2 --allow-operator aten::from_file
expect_text out "writes $work/trap"
