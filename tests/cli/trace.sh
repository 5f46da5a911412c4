# output.trace: what each rank did when.
source "$(dirname "$0")/lib.sh"
mlp_job job.toml
sed -i 's/^steps = 6/steps = 3/' job.toml

check() {
  check_python "
import json
from collections import Counter, defaultdict
events = json.load(open('$1/trace.json'))['traceEvents']
names = {(e['name'], e['pid']): e['args'] for e in events if e['ph'] == 'M'}
for rank in range(2):
    assert names['process_name', rank]['name'] == f'rank {rank}', names
    assert names['thread_name', rank]['name'] == 'host', names
    marks = [e for e in events if e['ph'] == 'i' and e['pid'] == rank]
    assert [e['name'] for e in marks] == ['step 1', 'step 2', 'step 3'], marks
    assert sorted(e['ts'] for e in marks) == [e['ts'] for e in marks], marks
spans = sorted((e for e in events if e['ph'] == 'X'), key=lambda e: (e['ts'], -e['dur']))
whole = [e for e in spans if not e['args'].get('continued')]
for step in range(1, 4):
    done = Counter(e['name'] for e in whole if e['args']['step'] == step)
    for stage in range(2):
        for microbatch in range(4):
            for kind in 'FB':
                name = f'{stage}{kind}{microbatch}'
                assert done[name] == 1, (step, name, done[name])
    assert done['update'] == done['rows'] == 2, done
assert sum(e['name'] == 'checkpoint' for e in whole) >= 2
waits = [e for e in spans if e['name'].startswith('wait for rank')]
assert waits
# Spans of a rank lie one after the other or in one another, and none is or has
# a part that waits.
for rank in range(2):
    mine = [e for e in spans if e['pid'] == rank]
    for wait in (e for e in waits if e['pid'] == rank):
        for e in mine:
            shared = min(e['ts'] + e['dur'], wait['ts'] + wait['dur']) - max(e['ts'], wait['ts'])
            assert e is wait or shared <= 1e-3, (e, wait)
    assert all(e['dur'] >= 0 for e in mine)
    open_until = []
    for e in mine:
        begin, end = e['ts'], e['ts'] + e['dur']
        while open_until and open_until[-1] <= begin + 1e-3:
            open_until.pop()
        assert not open_until or end <= open_until[-1] + 1e-3, e
        open_until.append(end)
# Each arrow leads from one rank to the other, forward in time.
ends = defaultdict(dict)
for e in events:
    if e['ph'] in 'sf':
        assert e['ph'] not in ends[e['id']], e
        ends[e['id']][e['ph']] = e
assert len(ends) == 3 * 2 * 4, len(ends)
for arrow in ends.values():
    assert arrow['s']['pid'] != arrow['f']['pid']
    assert arrow['s']['ts'] <= arrow['f']['ts'] + 1e-3
"
}

for launcher in local processes; do
  expect_ok "$PP" run job.toml --launcher $launcher \
    --set output.trace=true --set output.dir=$launcher
  expect_text out "wrote" "$launcher/trace.json"
  check $launcher
done

# Every arrow has one beginning and one end, however often a step passes.
expect_ok "$PP" run job.toml --set output.trace=true --set output.dir=often \
  --set parallel.replicas=2 --set train.accumulate=2 \
  --set pipeline.microbatches=2
check_python "
import json
from collections import Counter
events = json.load(open('often/trace.json'))['traceEvents']
ends = Counter((e['ph'], e['id']) for e in events if e['ph'] in 'sf')
assert set(ends.values()) == {1}, ends
assert {i for p, i in ends if p == 's'} == {i for p, i in ends if p == 'f'}
assert len(ends) == 2 * 2 * 3 * 2 * 2 * 2, len(ends)"

# The weights are those of a run without.
expect_ok "$PP" run job.toml --set output.dir=plain
expect_no_file plain/trace.json
expect_same plain/checkpoints/step_3/part_0.safetensors \
  local/checkpoints/step_3/part_0.safetensors

# Inference, and more stages than ranks.
expect_ok "$PP" run job.toml --set output.trace=true --set output.dir=loop \
  --set 'split.at=["layers.1","layers.2","layers.3"]' \
  --schedule ZBVZeroBubble --ranks 2
check_python "
import json
events = json.load(open('loop/trace.json'))['traceEvents']
assert {e['name'][1] for e in events if e['ph'] == 'X' and e['name'][0] in '0123'} >= set('FIW')"
