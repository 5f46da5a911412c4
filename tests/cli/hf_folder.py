"""Model folders of transformers: made, trained by `pp`, and opened again.

hf_folder.py make FOLDER           writes a folder and data for each model
hf_folder.py job NAME              prints the job that trains the model
hf_folder.py check NAME OUT PROGRAM TYPE
    from_pretrained(OUT) has the weights of the trained program, and its outputs
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers as tf
from safetensors import safe_open

VOCABULARY, ROWS, LENGTH = 48, 12, 12
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
WORDS = {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2}
GPT2 = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32}
T5 = {"d_model": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2, "d_kv": 8}
MODELS = {
    "gpt2": (tf.GPT2LMHeadModel, tf.GPT2Config(**GPT2, **WORDS)),
    "llama": (tf.LlamaForCausalLM, tf.LlamaConfig(**SMALL, **WORDS)),
    "bert": (tf.BertForMaskedLM, tf.BertConfig(**SMALL, vocab_size=VOCABULARY)),
    "t5": (tf.T5ForConditionalGeneration, tf.T5Config(**T5, vocab_size=VOCABULARY)),
    "vit": (
        tf.ViTForImageClassification,
        tf.ViTConfig(**SMALL, image_size=16, patch_size=8, num_labels=5),
    ),
}
AUTO = {
    "bert": tf.AutoModelForMaskedLM,
    "t5": tf.AutoModelForSeq2SeqLM,
    "vit": tf.AutoModelForImageClassification,
}
CUTS = {
    "gpt2": "transformer.h.1",
    "llama": "model.layers.1",
    "bert": "bert.encoder.layer.1",
    "t5": "decoder",
    "vit": "vit.layers.1",
}
INPUTS = {
    "bert": ["input_ids", "attention_mask"],
    "t5": ["input_ids", "attention_mask", "decoder_input_ids"],
    "vit": ["pixel_values"],
}


def data(name: str) -> dict[str, torch.Tensor]:
    """The inputs and the target, by the names of their files."""
    torch.manual_seed(1)
    if name == "vit":
        images = torch.randn(ROWS, 3, 16, 16)
        return {"pixel_values": images, "target": torch.randint(0, 5, (ROWS,))}
    words = torch.randint(3, VOCABULARY, (ROWS, LENGTH))
    mask = torch.ones_like(words)
    mask[1::2, LENGTH - 3 :] = 0
    return {
        "input_ids": words,
        "attention_mask": mask,
        "decoder_input_ids": words.roll(1, 1),
        "target": words.roll(-1, 1),
    }


def make(folder: Path) -> None:
    for name, (kind, config) in MODELS.items():
        torch.manual_seed(0)
        kind(config).save_pretrained(folder / name)
        for key, tensor in data(name).items():
            np.save(folder / f"{name}_{key}.npy", tensor.numpy())
    (folder / "gpt2/tokenizer.json").write_text('{"made": "up"}\n')
    (folder / "gpt2/merges.txt").write_text("a b\n")
    (folder / "gpt2/optimizer.pt").write_text("not part of the model")


def job(name: str) -> str:
    inputs = "\n".join(
        f'inputs.{key} = "{name}_{key}.npy"' for key in INPUTS.get(name, ["input_ids"])
    )
    return f"""[model]
path = "{name}.pt2"
[split]
at = "{CUTS[name]}"
[pipeline]
microbatches = 2
[data]
batch_size = 4
{inputs}
target = "{name}_target.npy"
[train]
steps = 3
loss = {{ name = "cross_entropy", output = "logits" }}
optimizer = {{ name = "adamw", lr = 1e-2 }}
[output]
dir = "{name}_run"
"""


def check_weights(name, model, trained, dtype) -> None:
    state = model.state_dict()
    before = MODELS[name][0].from_pretrained(name).state_dict()
    changed = 0
    for fqn, value in trained.items():
        want = value.to(dtype) if value.is_floating_point() else value
        assert state[fqn].dtype == want.dtype, (fqn, state[fqn].dtype)
        assert state[fqn].equal(want), fqn
        changed += not before[fqn].equal(value)
    assert state.keys() == trained.keys(), state.keys() ^ trained.keys()
    assert changed > len(trained) // 2, changed


def check_names(name: str, out: Path) -> None:
    """Tied weights are stored once, under the names that save_pretrained uses."""

    def names(folder: Path) -> set[str]:
        found = set()
        for path in folder.glob("*.safetensors"):
            with safe_open(path, "pt") as file:
                found |= set(file.keys())
        return found

    if name != "vit":  # its module has other names than its files
        assert names(out) == names(Path(name)), names(out) ^ names(Path(name))


def check(name: str, out: Path, program_file: Path, dtype: str) -> None:
    program = torch.export.load(program_file)
    kind = torch.float32 if dtype == "fp32" else torch.bfloat16
    auto = AUTO.get(name, tf.AutoModelForCausalLM)
    model, notes = auto.from_pretrained(out, output_loading_info=True)
    assert not any(notes.values()), notes
    assert type(model) is MODELS[name][0]
    check_weights(name, model, program.state_dict, kind)
    check_names(name, out)
    config = json.loads((out / "config.json").read_text())
    before = json.loads((Path(name) / "config.json").read_text())
    assert config == before | {"dtype": str(kind).removeprefix("torch.")}
    if dtype == "fp32":
        assert (out / "config.json").read_text() == (
            Path(name) / "config.json"
        ).read_text()
        inputs = {k: data(name)[k] for k in INPUTS.get(name, ["input_ids"])}
        with torch.no_grad():
            ours = program.module()(**inputs).logits
            theirs = (
                model.eval()(**inputs, use_cache=False).logits
                if name not in ("bert", "vit")
                else model.eval()(**inputs).logits
            )
        torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-6)


def main(argv: list[str]) -> None:
    if argv[0] == "make":
        make(Path(argv[1]))
    elif argv[0] == "job":
        print(job(argv[1]))
    else:
        check(argv[1], Path(argv[2]), Path(argv[3]), argv[4])


if __name__ == "__main__":
    main(sys.argv[1:])
