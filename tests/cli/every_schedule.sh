# Trains one model under every schedule on 1, 2 and 4 ranks, and compares with
# the unsplit graph: sourced by every_schedule_MODEL.sh.
source "$(dirname "$0")/lib.sh"

# split_points NUM_STAGES: of eight stages, one in 8 / NUM_STAGES.
split_points() {
  local list="" i
  for ((i = 8 / $1; i < 8; i += 8 / $1)); do
    # shellcheck disable=SC2154  # the sourcing script has the list
    list+="${list:+,}\"${points[i - 1]}\""
  done
  echo "[$list]"
}

# train FOLDER SCHEDULE RANKS STAGES: one run of job.toml.
train() {
  expect_ok "$PP" run job.toml --schedule "$2" --ranks "$3" \
    --set "split.at=$(split_points "$4")" --set "output.dir=$1"
  expect_text out "loss" "saved"
}

# every_schedule: each on 1, 2 and 4 ranks with two stages a rank. LoopedBFS
# adds gradients up from the last microbatch to the first, all others from the
# first to the last: `check NAME FOLDER descending|ascending` says what is equal
# to what.
every_schedule() {
  local name ranks order
  for name in $("$PP" schedule --list | awk '{print $1}'); do
    order=ascending
    [[ "$name" != LoopedBFS ]] || order=descending
    for ranks in 1 2 4; do
      train "$name-$ranks" "$name" "$ranks" $((2 * ranks))
      check "$name-$ranks" $order
      rm -rf "$name-$ranks"
    done
  done
}
