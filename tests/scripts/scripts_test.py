"""Tests of the Python scripts that the demo and the tests use."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FIXTURES = Path(sys.argv.pop())


def run(script: str, *args) -> subprocess.CompletedProcess:
    command = [sys.executable, "-B", SCRIPTS / script, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


class MakeData(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def test_text_is_held_out_python_and_the_same_every_time(self):
        first = run("make_data.py", "text", "-o", self.path / "a", "--bytes", 50_000)
        run("make_data.py", "text", "-o", self.path / "b", "--bytes", 50_000)
        self.assertEqual(first.returncode, 0, first.stderr)
        train, val = (np.load(self.path / f"a/{n}.npy") for n in ("train", "val"))
        self.assertEqual((train.size, val.size), (50_000, 5_000))
        self.assertEqual(train.dtype, np.uint8)
        self.assertIn(b"import ", train.tobytes())
        self.assertNotIn(val[:200].tobytes(), train.tobytes())
        np.testing.assert_array_equal(train, np.load(self.path / "b/train.npy"))

    def test_masked_rows_ask_only_for_what_is_hidden(self):
        done = run("make_data.py", "masked", "-o", self.path, "--rows", 64)
        self.assertEqual(done.returncode, 0, done.stderr)
        x, mask, y = (
            np.load(self.path / f"masked_train_{k}.npy") for k in ("x", "mask", "y")
        )
        self.assertEqual(x.shape, (56, 64))
        np.testing.assert_array_equal(x == 1, y != -100)
        self.assertTrue((y[mask == 0] == -100).all() and (x[mask == 0] == 0).all())
        self.assertTrue((mask[:, :32] == 1).all())

    def test_pairs_are_rows_and_their_reverse(self):
        run("make_data.py", "pairs", "-o", self.path, "--rows", 64)
        x, y = (np.load(self.path / f"pairs_val_{k}.npy") for k in ("x", "y"))
        np.testing.assert_array_equal(x[:, :16][:, ::-1], y)

    def test_byte_frequencies_of_uniform_text_cost_its_entropy(self):
        sys.path.insert(0, str(SCRIPTS))
        from make_data import unigram_loss

        text = np.tile(np.arange(256, dtype=np.uint8), 100)
        self.assertAlmostEqual(unigram_loss(text, text), np.log(256), places=6)

    def test_the_comparison_fails_where_nothing_was_learned(self):
        run("make_data.py", "text", "-o", self.path, "--bytes", 50_000)
        for loss, status in (1.0, 0), (3.0, 1):
            lines = [{"step": 1, "loss": 5.5}, {"step": 1, "eval_loss": loss}]
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (self.path / "metrics.jsonl").write_text(text)
            done = run("compare_with_unigram.py", self.path, self.path)
            self.assertEqual(done.returncode, status, done.stderr)


class ExportFolder(unittest.TestCase):
    """Runs scripts/export_hf.py on folders that transformers wrote."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def bert(self):
        import transformers

        config = transformers.BertConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
        )
        return transformers.BertForSequenceClassification(config).eval()

    def test_weights_and_free_sizes(self):
        import torch

        module = self.bert()
        module.save_pretrained(self.path / "bert")
        done = run("export_hf.py", self.path / "bert", "-o", self.path / "b.pt2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("free: batch, sequence", done.stdout)
        program = torch.export.load(self.path / "b.pt2").module()
        tokens = torch.randint(0, 64, (5, 11))  # not the example's sizes
        mask = torch.ones_like(tokens)
        mask[2, 6:] = 0
        with torch.no_grad():
            ours = program(input_ids=tokens, attention_mask=mask).logits
            theirs = module(input_ids=tokens, attention_mask=mask).logits
        torch.testing.assert_close(ours, theirs)

    def test_a_config_alone_gives_the_same_random_weights(self):
        import torch

        self.bert().config.save_pretrained(self.path / "bert")
        tensors = []
        for name in ("a.pt2", "b.pt2"):
            done = run(
                "export_hf.py",
                self.path / "bert",
                "-o",
                self.path / name,
                "--class",
                "BertForMaskedLM",
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            tensors.append(torch.export.load(self.path / name).state_dict)
        self.assertIn("bert.embeddings.word_embeddings.weight", tensors[0])
        for fqn, weight in tensors[0].items():
            self.assertTrue(torch.equal(weight, tensors[1][fqn]), fqn)

    def test_an_empty_model_has_the_buffers_that_weights_lack(self):
        import torch
        import transformers

        config = transformers.LlamaConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
        )
        module = transformers.LlamaForCausalLM(config).eval()
        module.save_pretrained(self.path / "llama")
        path = self.path / "empty.pt2"
        done = run("export_hf.py", self.path / "llama", "-o", path, "--empty")
        self.assertEqual(done.returncode, 0, done.stderr)
        program = torch.export.load(path)
        for fqn, weight in program.state_dict.items():
            self.assertTrue(weight.is_meta, fqn)
        frequencies = {k: v for k, v in program.constants.items() if "inv_freq" in k}
        self.assertIn("model.rotary_emb.inv_freq", frequencies)
        buffers = dict(module.named_buffers())
        for fqn, value in frequencies.items():
            self.assertTrue(torch.equal(value, buffers[fqn]), fqn)

    def test_a_folder_without_a_config_is_refused(self):
        done = run("export_hf.py", self.path)
        self.assertEqual(done.returncode, 3)
        self.assertIn("has no config.json", done.stderr)


class Generate(unittest.TestCase):
    def test_continues_the_prompt_past_the_longest_input(self):
        model = FIXTURES / "demo/gpt2.pt2"
        done = run("generate.py", model, "--prompt", "x" * 126, "--bytes", 6)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("x" * 126))
        self.assertGreater(len(done.stdout), 126)


class Export(unittest.TestCase):
    def test_weights_are_the_same_every_time(self):
        sys.path.insert(0, str(SCRIPTS))
        import export

        for name in "mlp", "tied-gpt":
            first, second = (export.build(name).module for _ in range(2))
            for a, b in zip(first.parameters(), second.parameters(), strict=True):
                self.assertTrue(a.equal(b))

    def test_an_unknown_model_is_refused(self):
        done = run("export.py", "gpt3", "-o", "x.pt2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("gpt2", done.stderr)


if __name__ == "__main__":
    unittest.main()
