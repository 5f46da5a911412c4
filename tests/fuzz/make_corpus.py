#!/usr/bin/env python3
"""Makes the seed corpus from the project's fixtures and from small files.

    make_corpus.py FIXTURES

writes tests/fuzz/corpus/NAME/. FIXTURES is the folder that the tests' target
`fixtures` makes (build/fixtures). Seeds written by hand are in corpus_texts.py.
"""

import io
import json
import re
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import corpus_texts
import numpy as np
import safetensors.numpy
import torch

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).resolve().parent / "corpus"
VERSION_1 = ROOT / "tests/fixtures/formats/version_1"
# Programs whose weights have at most 256 bytes each, as the harness supplies.
PROGRAMS = [
    *("autocast", "buffers", "cond", "counter", "dataclass-output", "dict-output"),
    *("in-place", "keyword-inputs", "no-grad", "shared-module", "tuple-output"),
]
# Operators with a precondition (loader/operators), and some others.
CALLED = """
_fft_c2c _fft_c2r _fft_r2c _pdist_forward _unsafe_masked_index _weight_norm_interface
adaptive_max_pool2d add.Tensor binomial cat chunk conv2d ctc_loss.Tensor div.Tensor_mode
embedding gather hsplit.int index.Tensor index_put lcm lstm.data lstm.input
matrix_power median.dim nanmedian.dim native_batch_norm pdist random.from range.step
reflection_pad2d replication_pad3d scatter.src tensor_split.sections triu.out
unsafe_chunk upsample_bilinear2d
"""


def put(harness: str, name: str, content: bytes | str) -> None:
    folder = CORPUS / harness
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode()
    (folder / name).write_bytes(content)


def dump(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def zip_of(records: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return out.getvalue()


def saved(value: object) -> bytes:
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def record(archive: bytes | Path, pattern: str) -> str | None:
    with zipfile.ZipFile(
        io.BytesIO(archive) if isinstance(archive, bytes) else archive
    ) as z:
        found = [name for name in z.namelist() if re.search(pattern, name)]
        return z.read(found[0]).decode("latin-1") if found else None


def zips() -> None:
    put("zip", "saved", saved([torch.arange(3)]))
    put("zip", "stored", zip_of({"m/a": b"one", "m/data/0": b"0" * 48, "m/e": b""}))
    code = {"m/code/a.py": b"def forward(self):\n" * 8}
    put("zip", "deflated", zip_of(code, zipfile.ZIP_DEFLATED))
    put("zip", "nested", zip_of({"m/inner.pt": zip_of({"n/a": b"x"})}))
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open("m/large", "w", force_zip64=True) as file,
    ):
        file.write(b"z")
    put("zip", "zip64", out.getvalue())


def arrays() -> None:
    for name, array in {
        "float32": np.ones((2, 3), "f4"),
        "int64": np.arange(4),
        "complex": np.ones(2, "c8"),
        "scalar": np.array(True),
        "fortran": np.ones((2, 3), order="F"),
        "big_endian": np.ones(2, ">f4"),
        "structured": np.zeros(1, [("a", "i4")]),
    }.items():
        out = io.BytesIO()
        np.save(out, array)
        put("npy", name, out.getvalue())
    for major in (2, 3):
        out = io.BytesIO()
        np.lib.format.write_array(out, np.ones(2, "f8"), version=(major, 0))
        put("npy", f"version_{major}", out.getvalue())


def safetensors_files() -> None:
    tensors = {"weight": np.ones((2, 3), "f4"), "b": np.arange(2)}
    put("safetensors", "two", safetensors.numpy.save(tensors, {"key": "value"}))
    pairs = {"z": np.ones((3, 2), "f4")}
    names = {"pp.complex": '["z"]'}
    put("safetensors", "complex", safetensors.numpy.save(pairs, names))
    put("safetensors", "empty", safetensors.numpy.save({"e": np.ones((0, 2), "f4")}))


def pickles() -> None:
    for name, value in {
        "tensor": torch.ones(2, 3),
        "views": [torch.ones(4, 4)[1:, ::2], torch.arange(2)],
        "state": torch.nn.Linear(2, 2, bias=False).state_dict(),
        "plain": ((1, -(2**40), 0.5, None, True), {"key": ["text", {}]}),
        "types": {"half": torch.ones(2, dtype=torch.float16), "n": torch.Size([3])},
        "complex": torch.ones(2, dtype=torch.complex64).conj(),
        "parameter": torch.nn.Parameter(torch.ones(1)),
    }.items():
        content = record(saved(value), r"/data\.pkl$")
        put("pickle", name, content.encode("latin-1"))


def programs(fixtures: Path) -> None:
    paths = {name: fixtures / f"{name}.pt2" for name in PROGRAMS}
    paths["stage"] = VERSION_1 / "stages/stage_0.pt2"
    for name, path in paths.items():
        program = json.loads(record(path, r"/models/[^/]+\.json$"))
        for node in program["graph_module"]["graph"]["nodes"]:
            for unread in ("stack_trace", "torch_fn"):
                node["metadata"].pop(unread, None)
        document = {
            "program": program,
            "weights": json.loads(record(path, r"weights_config\.json$")),
            "constants": json.loads(record(path, r"constants_config\.json$")),
        }
        names = record(path, r"extra/pp_names\.json$")
        if names:
            document["names"] = json.loads(names)
        put("exported_program", name, dump(document))
        for entry in program["graph_module"]["module_call_graph"]:
            signature = entry["signature"]
            for key in ("in_spec", "out_spec"):
                if signature and name not in ("autocast", "stage"):
                    put("tree_spec", f"{name}_{key}", signature[key])


def json_files() -> None:
    manifest = json.loads((VERSION_1 / "stages/manifest.json").read_text())
    put("manifest", "version_1", dump(manifest))
    put("source_index", "version_1", record(VERSION_1 / "stages/source.pt2", "source"))
    state = VERSION_1 / "run/checkpoints/step_2/state.json"
    put("checkpoint_state", "version_1", dump(json.loads(state.read_text())))


def graphs() -> None:
    """The graphs of the tests, which are raw strings."""
    for test, count in (
        ("ir/text", 1),
        ("splitter/alias", 7),
        ("splitter/cut", 3),
        ("splitter/relay", 5),
        ("splitter/rematerialise", 2),
        ("splitter/state", 7),
        ("splitter/shared_memory", 1),
    ):
        text = (ROOT / f"tests/{test}_test.cpp").read_text()
        for i, graph in enumerate(re.findall(r'R"\((.*?)\)"', text, re.DOTALL)[:count]):
            put("ir_text", f"{test.replace('/', '_')}_{i}", graph)


def jobs() -> None:
    for name in ("gpt2_demo", "bert_train", "mynetwork", "resnet50_infer"):
        put("job", name, (ROOT / f"configs/{name}.toml").read_text())
    put("job", "version_1", (VERSION_1 / "job.toml").read_text())


def header_of(
    tensors: list[tuple[int, list[int], list[int]]], small: bytes, ints: list[int]
) -> bytes:
    """A message's header (runtime/transport/wire.h); float32 tensors, each with its
    state, sizes and strides."""
    description = b""
    for state, sizes, strides in tensors:
        description += struct.pack("<BbH", state, 6, len(sizes))
        description += struct.pack(f"<{2 * len(sizes)}q", *sizes, *strides)
    description += bytes(len(tensors))
    description += struct.pack(f"<{len(ints)}q", *ints)
    prefix = struct.pack(
        "<IiiIIIIQQ",
        0x32507050,
        1,
        2,
        len(tensors),
        len(tensors),
        len(ints),
        0,
        len(description),
        len(small),
    )
    return prefix + description + small


def messages() -> None:
    headers = {
        "inline": header_of([(1, [2, 3], [3, 1])], bytes(24), [7]),
        "transposed": header_of([(1, [2, 3], [1, 2])], bytes(24), []),
        "payload": header_of([(2, [4, 4], [4, 1]), (0, [], [])], b"", [1, 2]),
        "device": header_of([(0, [], [])], b"", [2, 6, 1, 4, 1, 5]),
        "empty": header_of([], b"", []),
    }
    for name, header in headers.items():
        put("wire", name, struct.pack("<H", len(header)) + header)
        # One message at the start of the segment of blocks.
        start = struct.pack("<QQhBQBQ", 1, 0, -1, 0, 0, 0, 0)
        block = struct.pack("<III4xQ40x", 1, len(header), 0, 64 + 512)
        put("shared_memory", name, start + block + header + bytes(256))


def calls() -> None:
    """One call of each operator whose kernel was once found to trust its arguments."""
    rng = np.random.default_rng(0)
    for name in CALLED.split():
        choices = rng.integers(0, 256, 120, dtype=np.uint8).tobytes()
        put("calls", name.replace(".", "_"), f"aten::{name}\n".encode() + choices)


def main(fixtures: Path) -> None:
    warnings.simplefilter("ignore")
    zips()
    arrays()
    safetensors_files()
    pickles()
    programs(fixtures)
    json_files()
    graphs()
    jobs()
    messages()
    calls()
    for harness, texts in corpus_texts.TEXTS.items():
        for name, text in texts.items():
            put(harness, name, text)
    total = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    print(f"{total // 1000} kB in {CORPUS}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
