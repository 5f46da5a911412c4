# Hosts that share no folder: each has its own stages, and keeps its own parts
# of checkpoints. Here they are folders, and PP_HOST names them.
source "$(dirname "$0")/lib.sh"
mkdir alpha beta
mlp_job alpha/job.toml
at=(--at layers.1 --at layers.2:end --at head)
expect_ok "$PP" split "$FIXTURES/mlp-plain.pt2" -o stages "${at[@]}"
sed -i -e 's#^path = .*#stages = "stages"#' -e '/^\[split\]/,/^$/d' \
  -e 's/^checkpoint_every.*/checkpoint_every = 500\nkeep = 100/' \
  -e 's/^steps = .*/steps = 4000/' alpha/job.toml
cp alpha/{job.toml,x.npy,y.npy} beta
for host in alpha beta; do
  mkdir $host/stages
  cp stages/manifest.json $host/stages
done
cp stages/stage_{0,1}.pt2 alpha/stages
cp stages/stage_{2,3}.pt2 beta/stages
expect_ok "$PP" run alpha/job.toml --set model.stages="$work/stages" \
  --set output.dir="$work/want" --set train.steps=4200
want="$work/want/checkpoints"

# expect_parts HOST STEP PART...: that host has these of the checkpoint's parts,
# as one machine writes them, and no other.
expect_parts() {
  local host="$1" step="$2" part names="state.json"
  shift 2
  for part in "$@"; do
    expect_same "$want/step_$step/part_$part.safetensors" \
      "$host/runs/checkpoints/step_$step/part_$part.safetensors"
    names="part_$part.safetensors $names"
  done
  [[ "$(ls "$host/runs/checkpoints/step_$step" | sort | tr '\n' ' ')" == \
    "$(tr ' ' '\n' <<<"$names" | sort | tr '\n' ' ')" ]] ||
    fail "$host has $(ls "$host/runs/checkpoints/step_$step" | tr '\n' ' ')"
}

# torchrun, an agent on each. What an earlier run left on one host is not taken
# for this one's, and is set aside.
mkdir -p beta/runs/checkpoints
cp -r "$want/step_4200" beta/runs/checkpoints/step_7
# Below those that the system gives to connections.
port=$((10000 + $$ * 20 % 20000))
command_line="torchrun on two hosts"
pids=()
for host in alpha beta; do
  is_first=$([[ $host == alpha ]] && echo 1 || echo 0)
  (cd $host && PP_HOST=$host MARK=$work exec timeout 200 "$TORCHRUN" \
    --nnodes 2 --nproc-per-node 2 --max-restarts 5 --monitor-interval 0.1 \
    --rdzv-backend c10d --rdzv-endpoint "127.0.0.1:$port" --rdzv-id hosts \
    --rdzv-conf "is_host=$is_first" --no-python \
    "$PP" run job.toml >"../out_$host" 2>"../err_$host") &
  pids+=($!)
  # The agents' order, and so the ranks', is that of their process numbers.
  sleep 0.1
done

# The process that runs rank $1 of this test's job.
pid_of() {
  local file
  for file in /proc/[0-9]*/environ; do
    if [[ "$(cat "$(dirname "$file")/comm" 2>/dev/null)" == pp ]] &&
      tr '\0' '\n' <"$file" 2>/dev/null | grep -cxe "MARK=$work" \
        -e "RANK=$1" -e "WORLD_SIZE=4" | grep -qx 3; then
      basename "$(dirname "$file")"
      return
    fi
  done
}
wait_for 120 test -e alpha/runs/checkpoints/step_500
kill -9 "$(pid_of 3)"
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
cat out_* >out
cat err_* >err
((status == 0)) || fail "ended with $status"
expect_parts alpha 4000 0 1
expect_parts beta 4000 2 3
expect_same {alpha,beta}/runs/checkpoints/step_4000/state.json
expect_match out "resuming from .*/alpha/runs/checkpoints/step_[1-9]"
expect_file beta/runs/checkpoints.1/step_7/state.json
expect_no_file beta/runs/checkpoints/step_7 alpha/runs/checkpoints.1
expect_clean alpha/runs
expect_clean beta/runs

# by_hand RANKS_0_AND_1 RANKS_2_AND_3 ARG...: without torchrun. Where `victim`
# is set, that rank is killed soon after the first step.
victim=""
by_hand() {
  local hosts=("$1" "$1" "$2" "$2") pids=() rank pid code
  shift 2
  ((++port))
  command_line="ranks on ${hosts[*]}: $*"
  status=0
  for rank in 0 1 2 3; do
    : >"out_$rank"
    (cd "${hosts[rank]}" && PP_HOST="${hosts[rank]}" MARK=$work RANK=$rank \
      WORLD_SIZE=4 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port exec timeout 200 \
      "$PP" run job.toml "$@" >"../out_$rank" 2>"../err_$rank") &
    pids+=($!)
  done
  if [[ -n "$victim" ]]; then
    wait_for 120 grep -q '^step' out_0
    sleep "0.$((RANDOM % 3))"
    kill -9 "$(pid_of "$victim")" 2>/dev/null
  fi
  for pid in "${pids[@]}"; do
    wait "$pid"
    code=$?
    ((code == 0)) || status=$code
  done
  cat out_? >out
  cat err_? >err
}

# One that a host lacks is not gone on from: the newest that all have is.
rm -r beta/runs/checkpoints/step_4000
by_hand alpha beta --resume --set train.steps=4200
((status == 0)) || fail "ended with $status"
expect_text err "step_4000 is skipped" \
  "part_2.safetensors (saved on host beta)"
expect_text out "step_3500"
expect_parts alpha 4200 0 1
expect_parts beta 4200 2 3

# Killed while each step is saved and one checkpoint kept: both always have one
# in common.
often=(--resume-if-any --set train.steps=500 --set output.dir=often --set output.checkpoint_every=1
  --set output.keep=1)
for victim in 3 0 2; do
  by_hand alpha beta "${often[@]}"
  ((status != 0)) || echo "note: it was done before the kill"
done
victim=""
by_hand alpha beta "${often[@]}"
((status == 0)) || fail "ended with $status"
expect_text out "resuming from"
for part in alpha/often/0 alpha/often/1 beta/often/2 beta/often/3; do
  expect_same "$want/step_500/part_${part##*/}.safetensors" \
    "${part%/*}/checkpoints/step_500/part_${part##*/}.safetensors"
done
rm -r {alpha,beta}/often

# Hosts may change places, where they have the stages: parts are sent.
cp -r alpha gamma
rm -r gamma/runs
cp stages/stage_[23].pt2 gamma/stages
for host in alpha beta; do
  cp -r $host $host.kept
  cp stages/* $host/stages
  rm -r $host/runs/checkpoints/step_4*
done
by_hand beta alpha --resume-if-any
((status == 0)) || fail "ended with $status"
expect_text out "resuming from" "beta/runs/checkpoints/step_3500"
expect_parts beta 4000 0 1
expect_parts alpha 4000 2 3
# A dry run on one of several hosts can't know what the others have.
dry=("$PP" run job.toml --resume --dry-run)
expect_ok env -C alpha RANK=0 WORLD_SIZE=4 MASTER_ADDR=127.0.0.1 \
  MASTER_PORT=$port "${dry[@]}"
expect_no_text err "skipped"
expect_exit 3 env -C alpha "${dry[@]}"
expect_text err "part_0.safetensors (saved on host beta)" \
  "no host of this job has what is missing"
# Weights to start from, too.
by_hand alpha beta --set model.checkpoint=runs/checkpoints/step_3500 \
  --set output.dir=further --set train.steps=2
((status == 0)) || fail "ended with $status"
rm -r alpha beta
mv alpha.kept alpha
mv beta.kept beta

# A host that is not there any more; one that lacks a stage.
by_hand alpha gamma --resume-if-any
((status == 3)) || fail "ended with $status"
for rank in 0 1 2 3; do
  expect_match "err_$rank" "error: .*alpha/runs/checkpoints/step_4200: parts \
of it are missing: part_2.safetensors \(saved on host beta\), part_3.*no host"
done
expect_no_file gamma/runs
rm beta/stages/stage_3.pt2
by_hand alpha beta --resume
((status == 3)) || fail "ended with $status"
expect_match err_0 \
  "error: rank 3 on host beta runs stage 3, but .*beta/stages/stage_3.pt2 doesn't exist"

# A model of the weights takes the parts of all.
refused 3 "step_4200" "part_2.safetensors (saved on host beta)" \
  "part_3.safetensors (saved on host beta)" "copy" \
  -- "$PP" merge stages --checkpoint alpha/runs/checkpoints/step_4200 -o no.pt2
expect_no_file no.pt2
cp beta/runs/checkpoints/step_4200/* alpha/runs/checkpoints/step_4200
expect_ok "$PP" merge stages --checkpoint alpha/runs/checkpoints/step_4200 \
  -o model.pt2
mv model.pt2 got.pt2
expect_ok "$PP" merge stages --checkpoint "$want/step_4200" -o model.pt2
expect_same got.pt2 model.pt2
