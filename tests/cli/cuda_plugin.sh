# CUDA is opened by jobs that name it, and by no other; without a driver, a GPU
# or the plug-in such a job ends with one line.
source "$(dirname "$0")/lib.sh"
mlp_job good.toml
PLUGIN="$(dirname "$PP")/libpp_cuda.so"
CUDA='cuda|cudnn|cublas|cufft|cusolver|cusparse|curand|cufile|nccl|nvrtc|nvshmem|nvJitLink|cupti'

# libraries LIST: the file names in it that are CUDA's
libraries() { grep -oE '[^ /]+\.so[.0-9]*' "$1" | grep -E "$CUDA" | sort -u; }

# Those that the wheel's own libtorch_cpu needs.
torch_cpu="$(ldd "$PP" | awk '/libtorch_cpu.so/ { print $3 }')"
ldd "$torch_cpu" >needed
libraries needed >allowed
# none FILE: it has no other
none() {
  libraries "$1" | grep -v libtorch_cpu | comm -23 - allowed >unexpected
  [[ ! -s unexpected ]] || fail "$1 has CUDA libraries: $(tr '\n' ' ' <unexpected)"
}
ldd "$PP" >linked
none linked

# A CPU job, while it runs.
"$PP" run good.toml --set train.steps=1000000 --set output.checkpoint_every=1000000 \
  >out 2>err </dev/null &
job=$!
wait_for 120 test -s runs/metrics.jsonl
cat "/proc/$job/maps" >loaded
kill -INT "$job"
wait "$job"
grep -q libtorch_cpu loaded || fail "the maps of the job were not read"
none loaded

if [[ -e "$PLUGIN" ]]; then
  run ldd -r "$PLUGIN"
  expect_text out libtorch_cuda.so
  expect_no_text out "not found" "undefined symbol"
  expect_no_text err "undefined symbol"
fi

if nvidia-smi -L >gpus 2>/dev/null && grep -q GPU gpus; then
  expect_ok "$PP" run good.toml --set pipeline.device=cuda
elif [[ -e "$PLUGIN" ]]; then
  refused 4 "--set pipeline.device=cuda: pipeline.device is \"cuda\"" \
    "no usable GPU" "NVIDIA" 'use device = "cpu"' -- \
    "$PP" run good.toml --set pipeline.device=cuda
else
  refused 4 "libpp_cuda.so" PP_WITH_CUDA -- \
    "$PP" run good.toml --set pipeline.device=cuda
fi

# A copy of pp without its plug-in: the place is the only difference.
mkdir alone && cp "$PP" alone/pp
for dry in "" --dry-run; do
  # shellcheck disable=SC2086 # no word or one
  refused 4 "no libpp_cuda.so" "$work/alone" PP_WITH_CUDA 'device = "cpu"' \
    "--set pipeline.device=cuda:1: pipeline.device is \"cuda:1\"" -- \
    alone/pp run good.toml --set pipeline.device=cuda:1 $dry
done
