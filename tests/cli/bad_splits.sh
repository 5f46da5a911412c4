# Cuts that can't be made: the message, and that nothing is written.
source "$(dirname "$0")/lib.sh"
gpt2="$FIXTURES/gpt2.pt2"
mlp="$FIXTURES/mlp.pt2"

# An unknown FQN: the nearest names are offered.
refused 2 "'transformer.h.9'" "did you mean" "transformer.h." \
  -- "$PP" split "$gpt2" -o stages --at transformer.h.9
refused 2 "'transfromer.h.2'" "'transformer.h.2'" \
  -- "$PP" split "$gpt2" -o stages --at transfromer.h.2
refused 2 "'Transformer.H.2'" "'transformer.h.2'" \
  -- "$PP" split "$gpt2" -o stages --at Transformer.H.2:end
refused 2 "'ende'" "'FQN:end'" -- "$PP" split "$gpt2" -o stages \
  --at transformer.h.2:ende
refused 2 -- "$PP" split "$gpt2" -o stages --at ""
refused 2 "':end'" -- "$PP" split "$gpt2" -o stages --at :end

# A stage without a node.
refused 2 "'layers.0'" "first stage would be empty" \
  -- "$PP" split "$mlp" -o stages --at layers.0
refused 2 "'head:end'" "last stage would be empty" \
  -- "$PP" split "$mlp" -o stages --at head:end
refused 2 "empty" "transformer.wte" \
  -- "$PP" split "$gpt2" -o stages --at transformer.wte
refused 2 "400 stages" "places" -- "$PP" split "$gpt2" -o stages --stages 400

refused 2 "--at" "--stages" -- "$PP" split "$gpt2" -o stages
refused 2 "pipe_split()" -- "$PP" split "$gpt2" -o stages --markers
refused 2 "no split into 2 stages fits" "memory = 1.0 KiB" \
  -- "$PP" split "$gpt2" -o stages --stages 2 --balance flops --memory 1KB
refused 2 "balance" -- "$PP" split "$gpt2" -o stages --stages 2 --balance size
# A branch of the graph is run whole.
refused 2 "nope" -- "$PP" split "$FIXTURES/cond.pt2" -o stages --at nope
expect_no_file stages

# Files that are not ours stay where they are.
mkdir foreign
echo precious >foreign/notes.txt
refused 2 "foreign" "holds files other than stages" -- "$PP" split "$mlp" -o foreign --at layers.2
[[ "$(ls -A foreign)" == notes.txt ]] || fail "wrote into a foreign folder"
expect_text foreign/notes.txt precious
echo precious >file
refused 2 "file" -- "$PP" split "$mlp" -o file --at layers.2
expect_text file precious
# A foreign file beside our stages stays too.
expect_ok "$PP" split "$mlp" -o mixed --at layers.2
echo precious >mixed/notes.txt
refused 2 "mixed" -- "$PP" split "$mlp" -o mixed --at layers.1
expect_text mixed/notes.txt precious
expect_ok "$PP" inspect mixed
# The output folder can't be written to.
refused 4 "/proc/nowhere" -- "$PP" split "$mlp" -o /proc/nowhere/stages \
  --at layers.2
# A stage directory is not a model.
refused 3 "mixed" -- "$PP" split mixed -o again --at layers.1
# A split that fails leaves the directory that was there as it was.
expect_ok "$PP" split "$mlp" -o kept --at layers.2
cp -r kept before
refused 2 "nope" -- "$PP" split "$mlp" -o kept --at nope
diff -r kept before >/dev/null || fail "a refused split changed the stages"
expect_clean .
