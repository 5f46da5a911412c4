"""Seeds written by hand: harness -> name -> input."""

LEAF = '{"type":null,"context":null,"children_spec":[]}'


def _tree(kind: str, context: str, num_children: int) -> str:
    children = ",".join([LEAF] * num_children)
    return f'[1,{{"type":"{kind}","context":{context},"children_spec":[{children}]}}]'


TREES = {
    "dict": _tree("builtins.dict", '"[\\"a\\", \\"b\\"]"', 2),
    "dataclass": _tree("fuzz.Data", '"[[\\"a\\"], [\\"b\\"]]"', 1),
    "namedtuple": _tree("collections.namedtuple", '"fuzz.Pair"', 2),
    "defaultdict": _tree(
        "collections.defaultdict", '{"dict_context":["a","b"],"default_factory":""}', 2
    ),
    "leaf": f"[1,{LEAF}]",
}

SYMPY = {
    "product": "Mul(Integer(2), Symbol('s0', positive=True, integer=True))",
    "sum": "Add(Pow(Symbol('s0'), Integer(2)), Rational(1, 2), Integer(-3))",
    "functions": "Max(1, FloorDiv(s0 - 2, 3), Mod(s1, 4)) + PythonMod(-7, 2)",
    "guard": "L['x'].size()[1] % 2 == 0 and not L['y']['a'].size()[0] < 3 <= s1",
    "bits": "BitwiseFn_bitwise_and(s0, 7) | LShift(1, s1) ^ RShift(s0, 2) << 3 >> 1",
    "reals": "floor(sqrt(s0) * 0.5) + TruncToInt(IntTrueDiv(s0, 2)) - 1e3",
    "choice": "Where(Eq(s0, unknown), torch.sym_max(s0, 1), -s0**2 // 3)",
    "powers": "PowByNatural(s0, 3) + FloatPow(2.0, -1.0) + CleanDiv(s0, 4)",
    "comparison": "Or(Ne(s0, 1), And(s0 >= 2, s0 != s1), Not(s0 > s1))",
}

SCHEDULES = {
    "gpipe": "0F0,0F1,,0B0,0B1\n1F0,1F1,1B0,1B1\n",
    "one_f_one_b": "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n",
    "lowered": (
        "0UNSHARD,0F0,0SEND_F0,0RECV_B0,0B0,0WAIT_SEND_F0,0REDUCE_GRAD,"
        "0WAIT_REDUCE_GRAD,0RESHARD\n"
        "1UNSHARD,1RECV_F0,1F0,1B0,1SEND_B0,1REDUCE_GRAD,1WAIT_REDUCE_GRAD,"
        "1RESHARD,1WAIT_SEND_B0\n"
    ),
    "overlapped": "0F0,(0F1;1B0)OVERLAP_F_B,1F0,1F1,1B1,0B0,0B1\n",
    "v_shaped": "0F0,3F0,3I0,3W0,0B0\n1F0,2F0,2B0,1I0,1W0\n",
    "inference": "0F0,0F1,0F2\n1F0,1F1,1F2\n2F0,2F1,2F2\n",
    "windows": "\ufeff 0F0 ,\t0B0\r\n1F0,1B0\r\n",
    "deadlock": "0F0,0RECV_B0,0SEND_F0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n",
}

JOBS = {
    "every_kind": """
[model]
path = "m.pt2"
weights = ["w.safetensors"]
[split]
at = ["layers.1", "layers.2:end"]
tied = "transmit"
[pipeline]
schedule = "Interleaved1F1B"
ranks = 2
microbatches = 4
recompute = ["layers.*"]
launcher = "processes"
stall_timeout = 60
[data.inputs.x]
path = "x.npy"
[data.inputs.mask]
mask = "x"
[data.target]
path = "y.npy"
[train]
steps = 10
batch_size = 8
loss = "cross_entropy"
optimizer = { name = "adamw", lr = 1e-3, betas = [0.9, 0.999] }
[train.lr_schedule]
name = "cosine"
warmup_steps = 2
[eval]
every = 5
[output]
dir = "runs/a"
checkpoint_every = 2
[security]
allow = ["aten::from_file"]
sandbox = false
""",
    "literals": 'a.b = [[1, 0x1f], {c = inf}]\nd = 1979-05-27T07:32:00Z\ne = """x"""\n',
}

CAUSE = (
    '{"rank":1,"host":"a","stage":1,"microbatch":3,"action":"1F3","kind":4,'
    '"message":"m","interrupted":false,"last_seen":false,"details":["d"]}'
)
STATE = (
    '{\\"format\\":\\"pp-checkpoint\\",\\"version\\":1,\\"step\\":3,\\"epoch\\":0,'
    '\\"data_position\\":4,\\"seed\\":1,\\"job\\":{\\"a\\":\\"b\\"},\\"parts\\":'
    '[{\\"file\\":\\"part_0.safetensors\\",\\"num_bytes\\":8,\\"hash\\":\\"h\\"}]}'
)
IDENTITY = (
    '{"name":"Slurm step 7.0","rank":0,"size":2,"output":"/data","host":"a",'
    '"process":"47 boot pid:[1]","started":"2026-11-30 05:31:02","nonce":"12"}'
)
# The first byte chooses the reader, in the order of kReaders in store.cpp.
STORE = {
    "identity": "\0" + IDENTITY,
    "claim": "\1" + IDENTITY,
    "cause": "\2" + CAUSE,
    "no_cause": "\2-",
    "process": "\3" + "47 boot pid:[1]",
    "activity": "\4" + '[1,3,"WAIT_SEND_B",1,true,2.5]',
    "agreement": "\5" + '{"train.steps":"10","train.lr":"0.1"}',
    "written_part": "\6" + '["part_0.safetensors",8,"hash","host",0]',
    "list": "\7" + '[[3,"hash","",false,true],[2,"","bad",true,false]]',
    "listed": "\10" + '[3,"hash","",false,true]',
    "contents": "\11" + '{"state":"' + STATE + '","parts":[""]}',
    "no_contents": "\11" + "null",
    "number": "\12" + "1",
    "address": "\13" + "47 5 1234567890123",
    "reach": "\14" + "01",
    "signed": "\15" + "s" * 40 + "alpha",
}

CHECKPOINT_STATES = {
    "hosts": (
        '{"format":"pp-checkpoint","version":1,"step":3,"epoch":0,"data_position":4,'
        '"seed":18446744073709551615,"job":{"train.lr":"0.1"},"parts":[{"file":'
        '"part_0.safetensors","num_bytes":8,"hash":"h","host":"a"}]}'
    ),
}

SOURCE_INDEXES = {
    "version_1_list": (
        '[{"name":"data/weights/weight_0","num_bytes":64,"states":[{"fqn":"w",'
        '"aliases":["v"],"in_checkpoints":true,"dtype":"float32","shape":[4,4],'
        '"strides":[4,1],"offset":0}]},{"name":"byteorder","num_bytes":6}]'
    ),
    "views": (
        '{"version":2,"records":[{"name":"r","num_bytes":64,"states":[{"fqn":"a",'
        '"aliases":[],"in_checkpoints":false,"dtype":"int64","shape":[2],"strides":[3],'
        '"offset":1},{"fqn":"b","aliases":[],"in_checkpoints":true,"dtype":"bool",'
        '"shape":[],"strides":[],"offset":63}]}]}'
    ),
}

TEXTS = {
    "tree_spec": TREES,
    "sympy": SYMPY,
    "schedule": SCHEDULES,
    "job": JOBS,
    "store": STORE,
    "checkpoint_state": CHECKPOINT_STATES,
    "source_index": SOURCE_INDEXES,
}
