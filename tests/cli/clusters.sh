# A job under the variables that each scheduler of docs/clusters.md sets.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
expect_ok "$PP" run job.toml --set output.dir=local
want="$work/local/checkpoints/step_6"

# Ports follow from this number, so that jobs on one machine don't collide.
job_id=$((100000 + $$ % 1000 + RANDOM % 800))

# both_end NAME PID...: both succeed, with the weights of one machine in that folder
both_end() {
  local name="$1" pid part
  status=0
  for pid in "${@:2}"; do wait "$pid" || status=$?; done
  cat out_0 out_1 >out
  cat err_0 err_1 >err
  ((status == 0)) || fail "ended with $status"
  for part in 0 1; do
    expect_same "$want/part_$part.safetensors" \
      "$name/checkpoints/step_6/part_$part.safetensors"
  done
  [[ "$(num_lines out '^step 6/6 ')" == 1 ]] || fail "not one rank reports"
}

# two_ranks NAME: `variables RANK` prints NAME=VALUE lines
two_ranks() {
  local name="$1" pids=() given rank
  command_line="two ranks under $name"
  for rank in 0 1; do
    # The environment holds only what a program needs.
    mapfile -t given < <(variables $rank)
    env -i PATH="$PATH" HOME="$HOME" "${given[@]}" \
      timeout 200 "$PP" run job.toml --set output.dir="$name" \
      >"out_$rank" 2>"err_$rank" &
    pids+=($!)
  done
  both_end "$name" "${pids[@]}"
}

# srun of two tasks, in an allocation of one node of two.
host="$(hostname)"
variables() {
  cat <<ENV
SLURM_JOB_ID=$job_id
SLURM_JOBID=$job_id
SLURM_JOB_NAME=train.sbatch
SLURM_JOB_NODELIST=$host
SLURM_JOB_NUM_NODES=1
SLURM_NODELIST=$host
SLURM_NNODES=1
SLURM_NTASKS=2
SLURM_NPROCS=2
SLURM_TASKS_PER_NODE=2
SLURM_CPUS_ON_NODE=2
SLURM_STEP_ID=0
SLURM_STEPID=0
SLURM_STEP_NODELIST=$host
SLURM_STEP_NUM_NODES=1
SLURM_STEP_NUM_TASKS=2
SLURM_STEP_TASKS_PER_NODE=2
SLURM_STEP_LAUNCHER_PORT=41729
SLURM_SRUN_COMM_HOST=127.0.0.1
SLURM_SRUN_COMM_PORT=41729
SLURM_LAUNCH_NODE_IPADDR=127.0.0.1
SLURM_PROCID=$1
SLURM_LOCALID=$1
SLURM_NODEID=0
SLURM_GTIDS=0,1
SLURMD_NODENAME=$host
ENV
}
two_ranks slurm

# mpirun -n 2
variables() {
  cat <<ENV
OMPI_COMM_WORLD_RANK=$1
OMPI_COMM_WORLD_SIZE=2
OMPI_COMM_WORLD_LOCAL_RANK=$1
OMPI_COMM_WORLD_LOCAL_SIZE=2
OMPI_COMM_WORLD_NODE_RANK=$1
OMPI_UNIVERSE_SIZE=2
OMPI_MCA_initial_wdir=$work
OMPI_MCA_ess_base_jobid=1
PMIX_RANK=$1
PMIX_NAMESPACE=prterun-$host-$job_id@1
MASTER_PORT=$((20000 + job_id % 10000))
ENV
}
two_ranks open_mpi

# A pod each of a PyTorchJob: the master, and a worker.
variables() {
  cat <<ENV
MASTER_ADDR=localhost
MASTER_PORT=$((30000 + job_id % 10000))
WORLD_SIZE=2
RANK=$1
PYTHONUNBUFFERED=1
PET_MASTER_ADDR=localhost
PET_MASTER_PORT=$((30000 + job_id % 10000))
PET_NNODES=2
PET_NODE_RANK=$1
PET_NPROC_PER_NODE=1
KUBERNETES_SERVICE_HOST=10.96.0.1
GLOO_SOCKET_IFNAME=lo
ENV
}
two_ranks kubernetes

# Ranks started by hand.
variables() {
  cat <<ENV
MASTER_ADDR=127.0.0.1
MASTER_PORT=$((40000 + job_id % 10000))
WORLD_SIZE=2
RANK=$1
ENV
}
two_ranks by_hand

# torchrun with the static rendezvous: one agent a host, here both on this.
port=$((50000 + job_id % 10000))
command_line="torchrun, static"
pids=()
for node in 0 1; do
  timeout 200 "$TORCHRUN" --nnodes 2 --node-rank $node --nproc-per-node 1 \
    --master-addr 127.0.0.1 --master-port $port --no-python \
    "$PP" run job.toml --set output.dir=static >"out_$node" 2>"err_$node" &
  pids+=($!)
done
both_end static "${pids[@]}"
