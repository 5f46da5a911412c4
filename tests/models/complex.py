#!/usr/bin/env python3
"""complex.py PP FOLDER

Trains a model of complex parameters in the ways that a job can, and compares it with
Python: AdamW and clipping, resuming, replicas with and without shared optimizer state,
several steps per update, fp16, complex128, complex inputs and outputs, inference.
"""

import json
import subprocess
import sys
import unittest
import warnings
from pathlib import Path

import numpy as np
import parity
import torch
from safetensors import safe_open
from torch import nn

ROWS, WIDTH, STEPS, RATE, MAX_NORM = 16, 6, 3, 0.01, 0.05
PP, FOLDER = "", Path()


class Turned(nn.Module):
    """Complex values and a pending conjugation cross the cut; `turn` is read on both
    sides of it."""

    def __init__(self, dtype=torch.complex64):
        super().__init__()
        real = dtype.to_real()
        self.turn = nn.Parameter(torch.randn(WIDTH, WIDTH, dtype=dtype))
        self.shift = nn.Parameter(torch.randn(WIDTH, dtype=dtype))
        self.register_buffer("spin", torch.randn(WIDTH, dtype=dtype))
        self.a = nn.Linear(WIDTH, WIDTH, dtype=real)
        self.b = nn.Linear(WIDTH, WIDTH, dtype=real)

    def turned(self, x):
        if not x.is_complex():
            x = self.a(x).to(self.turn.dtype)
        return ((x @ self.turn) * self.spin + self.shift).conj()

    def forward(self, x):
        z = self.turned(x)
        return (self.b(z.real) + z.imag) @ self.turn.imag + self.turn.real.sum()


class TurnedOutput(Turned):
    def forward(self, x):
        z = self.turned(x)
        return torch.complex(self.b(z.real), z.imag).conj()


def read(folder):
    """All tensors of a checkpoint or of one file."""
    tensors = {}
    paths = sorted(folder.glob("*.safetensors")) if folder.is_dir() else [folder]
    for path in paths:
        with safe_open(path, "pt") as file:
            pairs = json.loads((file.metadata() or {}).get("pp.complex", "[]"))
            for name in file.keys():  # noqa: SIM118  not a dict
                value = file.get_tensor(name)
                tensors[name] = torch.view_as_complex(value) if name in pairs else value
    return tensors


def write_unaligned(path, tensors):
    """Writes weights between multiples of 16 bytes, as the format allows."""
    header, data = {}, b""
    for name, value in tensors.items():
        plain = torch.view_as_real(value) if value.is_complex() else value
        content = plain.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F64",
            "shape": list(plain.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    pairs = [name for name, value in tensors.items() if value.is_complex()]
    header["__metadata__"] = {"pp.complex": json.dumps(pairs)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 16)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


class Complex(unittest.TestCase):
    def prepare(self, model, data, loss="mse"):
        """Splits and verifies the model, and writes its data."""
        self.folder = FOLDER / self.id().rpartition(".")[2]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = parity.save(parity.Case(model, {"x": data}), self.folder)
        with torch.no_grad():
            like = parity.load(self.path)(data[:2])
        self.data, self.loss = data, loss
        self.target = torch.randn(ROWS, *like.shape[1:], dtype=like.dtype)
        np.save(self.folder / "x.npy", data.numpy())
        np.save(self.folder / "target.npy", self.target.numpy())
        self.run_pp("split", "model.pt2", "-o", "stages", "--at", "b")
        self.run_pp("verify", "stages")

    def run_pp(self, *words):
        parity.run(PP, self.folder, *words)

    def train(self, name, *, steps=STEPS, ranks=2, resume=False, **sections):
        """Runs a job, and returns the tensors of its last checkpoint."""
        keys = {
            "model": {} if "model" in sections else {"stages": '"stages"'},
            "pipeline": {"schedule": '"1F1B"', "microbatches": 4, "ranks": ranks},
            "train": {
                "steps": steps,
                "clip_grad_norm": MAX_NORM,
                "optimizer": f'{{ name = "adamw", lr = {RATE} }}',
                "loss": f'{{ name = "{self.loss}", output = "output_0" }}',
            },
        }
        for section, more in sections.items():
            keys.setdefault(section, {}).update(more)
        text = f"""
[data]
batch_size = {ROWS // 2}
shuffle = false
inputs.x = {{ path = "x.npy" }}
target = {{ path = "target.npy" }}
[output]
dir = "{name}"
"""
        for section, values in keys.items():
            text += f"[{section}]\n"
            text += "".join(f"{key} = {value}\n" for key, value in values.items())
        (self.folder / f"{name}.toml").write_text(text)
        self.run_pp("run", f"{name}.toml", *(["--resume"] if resume else []))
        return read(self.folder / name / "checkpoints" / f"step_{steps}")

    def reference(self, accumulate=1):
        """Python's weights and optimizer state, and the norm of each step."""
        module = parity.load(self.path)
        parameters = dict(module.named_parameters())
        optimizer = torch.optim.AdamW(parameters.values(), lr=RATE)
        loss_of = {
            "mse": torch.nn.functional.mse_loss,
            "l1": torch.nn.functional.l1_loss,
        }[self.loss]
        norms = []
        batches = ROWS // (ROWS // 2)
        for step in range(STEPS):
            for part in range(accumulate):
                at = (step * accumulate + part) % batches * (ROWS // 2)
                rows = slice(at, at + ROWS // 2)
                each = [t[rows].split(2) for t in (self.data, self.target)]
                for x, target in zip(*each, strict=True):
                    count = len(each[0]) * accumulate
                    (loss_of(module(x), target) / count).backward()
            norms.append(
                torch.nn.utils.clip_grad_norm_(parameters.values(), MAX_NORM).item()
            )
            optimizer.step()
            optimizer.zero_grad()
        out = {name: value.detach() for name, value in parameters.items()}
        for name, value in parameters.items():
            for kind, state in optimizer.state[value].items():
                out[f"optimizer.{kind}.{name}"] = state
        return out, norms

    def assert_close(self, got, expected, tolerance=1e-5):
        for name, value in expected.items():
            self.assertEqual(got[name].dtype, value.dtype, name)
            self.assertEqual(got[name].shape, value.shape, name)
            largest = value.abs().max().item()
            error = (got[name] - value).abs().max().item() / max(largest, 1e-12)
            self.assertLessEqual(error, tolerance, name)

    def norms(self, name):
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["grad_norm"] for line in lines]

    def test_trains_as_python_does_in_every_arrangement(self):
        self.prepare(Turned(), torch.randn(ROWS, WIDTH))
        expected, norms = self.reference()
        plain = self.train("plain")
        self.assertEqual(plain["turn"].dtype, torch.complex64)
        self.assert_close(plain, expected)
        for mine, pythons in zip(self.norms("plain"), norms, strict=True):
            self.assertAlmostEqual(mine / pythons, 1, delta=1e-5)
        # An interrupted training gives the same bits.
        self.train("again", steps=2)
        again = self.train("again", resume=True)
        self.assertEqual(set(again), set(plain))
        for name, value in plain.items():
            self.assertTrue(torch.equal(again[name], value), name)
        for zero in (0, 1):
            replicas = self.train(
                f"zero_{zero}",
                pipeline={"microbatches": 2},
                parallel={"replicas": 2, "zero": zero},
            )
            self.assert_close(replicas, expected)
        processes = self.train("processes", pipeline={"launcher": '"processes"'})
        zero_bubble = self.train(
            "zero_bubble", ranks=1, pipeline={"schedule": '"ZBVZeroBubble"'}
        )
        for other in (processes, zero_bubble):
            for name, value in plain.items():
                self.assert_close(other, {name: value}, 1e-6)
        self.run_pp(
            *("merge", "stages", "--checkpoint", "plain/checkpoints/step_3"),
            *("-o", "merged.pt2"),
        )
        merged = dict(parity.load(self.folder / "merged.pt2").named_parameters())
        self.assert_close(merged, {k: plain[k] for k in merged}, 0)

    def test_several_steps_per_update(self):
        self.prepare(Turned(), torch.randn(ROWS, WIDTH))
        expected, _ = self.reference(accumulate=2)
        self.assert_close(self.train("run", train={"accumulate": 2}), expected)

    def test_a_scaled_loss(self):
        model = Turned()
        with torch.no_grad():
            model.turn.mul_(0.1)  # so that the scaled loss doesn't overflow
        self.prepare(model, torch.randn(ROWS, WIDTH))
        expected, _ = self.reference()
        half = self.train("run", train={"precision": '"fp16"'})
        # AdamW's first steps have the size of the learning rate everywhere.
        self.assert_close(half, {"turn": expected["turn"]}, 0.05)
        before = parity.state_of(self.path, None)["turn"]
        self.assertGreater((half["turn"] - before).abs().mean().item(), RATE)

    def test_double_precision(self):
        self.prepare(
            Turned(torch.complex128), torch.randn(ROWS, WIDTH, dtype=torch.float64)
        )
        expected, _ = self.reference()
        plain = self.train("run")
        self.assertEqual(plain["optimizer.exp_avg.turn"].dtype, torch.complex128)
        self.assert_close(plain, expected, 1e-12)
        self.train("again", steps=2)
        again = self.train("again", resume=True)
        write_unaligned(self.folder / "w.safetensors", parity.state_of(self.path, None))
        from_file = self.train(
            "from_file",
            model={"path": '"model.pt2"', "weights": '"w.safetensors"'},
            split={"at": '["b"]'},
        )
        for name, value in plain.items():
            self.assertTrue(torch.equal(again[name], value), name)
            self.assertTrue(torch.equal(from_file[name], value), name)
        self.run_pp(
            *("merge", "stages", "--checkpoint", "run/checkpoints/step_3"),
            *("-o", "merged.pt2"),
        )
        merged = dict(parity.load(self.folder / "merged.pt2").named_parameters())
        self.assert_close(merged, {k: plain[k] for k in merged}, 0)

    def test_complex_inputs_and_outputs(self):
        self.prepare(
            TurnedOutput(), torch.randn(ROWS, WIDTH, dtype=torch.complex64), "l1"
        )
        expected, _ = self.reference()
        self.assert_close(self.train("run"), expected)
        (self.folder / "infer.toml").write_text(
            '[model]\nstages = "stages"\n[pipeline]\nmicrobatches = 4\nranks = 2\n'
            f"[data]\nbatch_size = {ROWS // 2}\ninputs.x = {{ path = 'x.npy' }}\n"
            '[output]\ndir = "infer"\n'
        )
        self.run_pp("run", "infer.toml")
        got = read(self.folder / "infer" / "outputs.safetensors")
        module = parity.load(self.path)
        with torch.no_grad():
            parts = [module(rows).resolve_conj() for rows in self.data.split(2)]
        self.assert_close(got, {"output_0": torch.cat(parts)}, 1e-6)

    def test_verify_compares_complex_outputs_and_gradients(self):
        self.prepare(
            TurnedOutput(), torch.randn(ROWS, WIDTH, dtype=torch.complex64), "l1"
        )
        done = subprocess.run(
            [PP, "verify", "stages", "--tolerance", "0"],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        # 4 outputs, the loss, 2 complex and 2 real parameters that have gradients,
        # and a buffer
        self.assertIn("10 values compared", done.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    FOLDER = Path(sys.argv.pop()).resolve()
    PP = Path(sys.argv.pop()).resolve()
    unittest.main()
