"""Checks that Python opens our archives, and that we read those of Python.

Usage: python_opens.py ARCHIVE_TOOL
"""

import collections
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import warnings
import zipfile

import numpy
import safetensors.torch
import torch

warnings.filterwarnings("ignore")
TOOL = os.path.abspath(sys.argv.pop(1))


def tool(*arguments):
    """Runs the tool; returns (exit code, standard output, standard error)."""
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 5)
        self.register_buffer("scale", torch.tensor([2.0]))

    def forward(self, x, *, shift):
        return torch.relu(self.linear(x)) * self.scale + shift


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_tool(self, *arguments):
        code, out, err = tool(*arguments)
        self.assertEqual(code, 0, err)
        return out

    def rewritten(self, source):
        """Rewrites the file in both ways; Python checks every CRC."""
        for way in ("copy", "add"):
            target = self.path(way + ".out")
            self.run_tool(way, source, target)
            with zipfile.ZipFile(target) as archive:
                self.assertIsNone(archive.testzip())
            yield target


class PythonOpensOurArchives(InFolder):
    def test_exported_program(self):
        x, shift = torch.randn(4, 3), torch.randn(5)
        model = Model()
        program = torch.export.export(model, (x,), {"shift": shift})
        torch.export.save(program, self.path("m.pt2"))
        for target in self.rewritten(self.path("m.pt2")):
            loaded = torch.export.load(target)
            result = loaded.module()(x, shift=shift)
            self.assertTrue(torch.equal(result, model(x, shift=shift)))
            args, kwargs = loaded.example_inputs
            self.assertTrue(torch.equal(args[0], x))
            self.assertTrue(torch.equal(kwargs["shift"], shift))

    def test_saved_tensors(self):
        saved = {"a": torch.randn(3, 4), "b": torch.arange(7)}
        torch.save(saved, self.path("t.pt"))
        for target in self.rewritten(self.path("t.pt")):
            for mmap in (False, True):
                loaded = torch.load(target, weights_only=True, mmap=mmap)
                self.assertEqual(set(loaded), {"a", "b"})
                for name, tensor in saved.items():
                    self.assertTrue(torch.equal(loaded[name], tensor))

    def test_torchscript_with_its_deflated_sources(self):
        model, x = Model(), torch.randn(2, 3)
        torch.jit.save(torch.jit.script(model), self.path("s.pt"))
        with zipfile.ZipFile(self.path("s.pt")) as archive:
            methods = {info.compress_type for info in archive.infolist()}
        self.assertEqual(methods, {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
        shift = torch.ones(5)
        for target in self.rewritten(self.path("s.pt")):
            loaded = torch.jit.load(target)
            self.assertTrue(torch.equal(loaded(x, shift=shift), model(x, shift=shift)))


class WeReadPickles(InFolder):
    def text_of(self, value, **options):
        torch.save(value, self.path("v.pt"), **options)
        return self.run_tool("pickle", self.path("v.pt"))

    def test_a_tensor(self):
        self.assertEqual(
            self.text_of(torch.randn(3, 4)),
            "tensor(float32, [3 4], [4 1], 0, cpu, -, data/0)",
        )

    def test_views_share_a_storage(self):
        base = torch.randn(4, 6)
        self.assertEqual(
            self.text_of([base, base.t(), base[1:, 2:]]),
            "[tensor(float32, [4 6], [6 1], 0, cpu, -, data/0), "
            "tensor(float32, [6 4], [1 6], 0, cpu, -, data/0), "
            "tensor(float32, [3 4], [6 1], 8, cpu, -, data/0), ]",
        )

    def test_every_protocol_and_container(self):
        value = {
            "t": torch.ones(2, dtype=torch.bfloat16),
            "size": torch.Size([1, 2]),
            "many": [{}, (), [], (1,), (1, 2, 3, 4), None, True, False],
            "numbers": [0, 255, 256, 65536, -1, 2**40, -(2**63), 1.5, -0.25],
            "text": ["", "é", "x" * 300],
            "ordered": collections.OrderedDict(b=1, a=2),
            3: 4,
        }
        expected = (
            "{'t': tensor(bfloat16, [2], [1], 0, cpu, -, data/0), "
            "'size': (1, 2, ), "
            "'many': [{}, (), [], (1, ), (1, 2, 3, 4, ), None, True, False, ], "
            "'numbers': [0, 255, 256, 65536, -1, 1099511627776, "
            "-9223372036854775808, 1.5, -0.25, ], "
            "'text': ['', 'é', '" + "x" * 300 + "', ], "
            "'ordered': {'b': 1, 'a': 2, }, 3: 4, }"
        )
        for protocol in (2, 3, 4, 5):
            with self.subTest(protocol=protocol):
                self.assertEqual(
                    self.text_of(value, pickle_protocol=protocol), expected
                )

    def test_every_element_type(self):
        for name in [
            "uint8",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint16",
            "uint32",
            "uint64",
            "bool",
            "float16",
            "bfloat16",
            "float32",
            "float64",
            "complex64",
            "complex128",
            "float8_e5m2",
            "float8_e4m3fn",
            "float8_e5m2fnuz",
            "float8_e4m3fnuz",
            "float8_e8m0fnu",
        ]:
            with self.subTest(dtype=name):
                tensor = torch.zeros(3).to(getattr(torch, name))
                self.assertEqual(
                    self.text_of((tensor,)),
                    f"(tensor({name}, [3], [1], 0, cpu, -, data/0), )",
                )

    def test_parameters_and_a_state_dict(self):
        self.assertEqual(
            self.text_of(torch.nn.Parameter(torch.ones(2))),
            "tensor(float32, [2], [1], 0, cpu, grad, data/0)",
        )
        self.assertEqual(
            self.text_of(torch.nn.Linear(2, 1).state_dict()),
            "{'weight': tensor(float32, [1 2], [2 1], 0, cpu, -, data/0), "
            "'bias': tensor(float32, [1], [1], 0, cpu, -, data/1), }",
        )

    def test_sample_inputs_inside_an_exported_program(self):
        inputs = (torch.randn(4, 3),), {"shift": torch.ones(5)}
        program = torch.export.export(Model(), *inputs)
        torch.export.save(program, self.path("m.pt2"))
        self.assertEqual(
            self.run_tool("nest", self.path("m.pt2"), "data/sample_inputs/model.pt"),
            "((tensor(float32, [4 3], [3 1], 0, cpu, -, data/0), ), "
            "{'shift': tensor(float32, [5], [1], 0, cpu, -, data/1), }, )",
        )

    def test_other_objects_are_refused_by_name(self):
        for value, name in (
            (torch.nn.Linear(2, 1), "torch.nn.modules.linear.Linear"),
            (torch.device("cpu"), "torch.device"),
            ({1}, "__builtin__.set"),
            (
                torch.zeros(2, device="meta"),
                "torch._utils._rebuild_meta_tensor_no_storage",
            ),
            (torch.eye(2).to_sparse(), "torch._utils._rebuild_sparse_tensor"),
        ):
            with self.subTest(name=name):
                torch.save(value, self.path("v.pt"))
                code, _, err = tool("pickle", self.path("v.pt"))
                self.assertEqual(code, 3)
                self.assertIn(f"refers to '{name}'", err)

    def test_the_format_before_zip_is_refused(self):
        torch.save([1], self.path("v.pt"), _use_new_zipfile_serialization=False)
        code, _, err = tool("pickle", self.path("v.pt"))
        self.assertEqual(code, 3)
        self.assertIn("is a bare pickle, not a zip archive", err)


class Safetensors(InFolder):
    def test_there_and_back(self):
        tensors = {
            name: torch.arange(6).reshape(2, 3).to(getattr(torch, name))
            for name in [
                "uint8",
                "int8",
                "int16",
                "int32",
                "int64",
                "uint16",
                "uint32",
                "uint64",
                "bool",
                "float16",
                "bfloat16",
                "float32",
                "float64",
                "float8_e5m2",
                "float8_e4m3fn",
                "complex64",
            ]
        }
        tensors["scalar"] = torch.tensor(3.5)
        tensors["empty"] = torch.zeros(0, 4)
        source, target = self.path("a.safetensors"), self.path("b.safetensors")
        safetensors.torch.save_file(tensors, source, {"key": 'é "quoted"'})
        self.run_tool("safetensors", source, target)
        loaded = safetensors.torch.load_file(target)
        self.assertEqual(set(loaded), set(tensors))
        for name, tensor in tensors.items():
            self.assertEqual(loaded[name].dtype, tensor.dtype, name)
            self.assertEqual(loaded[name].shape, tensor.shape, name)
            if "float8" in name:
                loaded[name], tensor = loaded[name].float(), tensor.float()
            self.assertTrue(torch.equal(loaded[name], tensor), name)
        with safetensors.safe_open(target, "pt") as file:
            self.assertEqual(file.metadata(), {"key": 'é "quoted"'})

    def test_complex_numbers_in_pairs(self):
        turn = torch.randn(2, 3, dtype=torch.complex128)
        source, target = self.path("a.safetensors"), self.path("b.safetensors")
        safetensors.torch.save_file(
            {"turn": torch.view_as_real(turn), "bias": torch.randn(2)},
            source,
            {"pp.complex": '["turn"]'},
        )
        self.run_tool("safetensors", source, target)
        with safetensors.safe_open(target, "pt") as file:
            for name in json.loads(file.metadata()["pp.complex"]):
                read = torch.view_as_complex(file.get_tensor(name))
                self.assertTrue(torch.equal(read, {"turn": turn}[name]))


class Npy(InFolder):
    def read(self, array, version=None):
        buffer = io.BytesIO()
        numpy.lib.format.write_array(buffer, array, version=version)
        with open(self.path("a.npy"), "wb") as file:
            file.write(buffer.getvalue())
        return tool("npy", self.path("a.npy"), self.path("a.safetensors"))

    def test_every_element_type_and_version(self):
        for dtype in [
            "bool",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "uint32",
            "int32",
            "uint64",
            "int64",
            "float16",
            "float32",
            "float64",
            "complex64",
        ]:
            for version in ((1, 0), (2, 0), (3, 0)):
                with self.subTest(dtype=dtype, version=version):
                    array = numpy.arange(6).reshape(2, 3).astype(dtype)
                    code, _, err = self.read(array, version)
                    self.assertEqual(code, 0, err)
                    loaded = safetensors.torch.load_file(self.path("a.safetensors"))
                    numpy.testing.assert_array_equal(loaded["array"].numpy(), array)

    def test_saved_arrays_of_every_rank(self):
        for shape in ((), (1,), (0, 3), (2, 3, 4)):
            with self.subTest(shape=shape):
                array = numpy.random.rand(*shape)
                numpy.save(self.path("a.npy"), array)
                self.run_tool("npy", self.path("a.npy"), self.path("a.safetensors"))
                loaded = safetensors.torch.load_file(self.path("a.safetensors"))
                self.assertEqual(tuple(loaded["array"].shape), shape)

    def test_what_is_refused(self):
        for array, words in (
            (numpy.zeros(3, ">f4"), "is big endian"),
            (numpy.zeros((3, 2), "f4", order="F"), "is in Fortran order"),
            (numpy.array([{}]), "holds pickled Python objects"),
            (numpy.zeros(2, [("a", "f4")]), "holds elements of type 'struct"),
            (numpy.array(["text"]), "holds elements of type '<U4'"),
        ):
            with self.subTest(words=words):
                code, _, err = self.read(array)
                self.assertEqual(code, 3)
                self.assertIn(words, err)


if __name__ == "__main__":
    unittest.main()
