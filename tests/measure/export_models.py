#!/usr/bin/env python3
"""Exports GPT-2, LLaMA, T5 and ResNet-50 at some scale.

    export_models.py FOLDER [SCALE]

SCALE multiplies widths and sizes: 1, for tests, is the smallest; with 8, layers take
some milliseconds.
"""

import sys
import warnings
from pathlib import Path

import torch


def gpt2(scale: int):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=64 * scale,
        n_positions=16 * scale,
        n_embd=32 * scale,
        n_layer=8,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
    )
    tokens = torch.randint(64 * scale, (2, 16 * scale))
    return GPT2LMHeadModel(config), (), {"input_ids": tokens}


def llama(scale: int):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64 * scale,
        max_position_embeddings=16 * scale,
        hidden_size=32 * scale,
        intermediate_size=64 * scale,
        num_hidden_layers=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        use_cache=False,
    )
    tokens = torch.randint(64 * scale, (2, 16 * scale))
    return LlamaForCausalLM(config), (), {"input_ids": tokens}


def t5(scale: int):
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=64 * scale,
        d_model=32 * scale,
        d_kv=8 * scale,
        d_ff=64 * scale,
        num_layers=4,
        num_decoder_layers=4,
        num_heads=4,
        dropout_rate=0.0,
        use_cache=False,
        decoder_start_token_id=0,
        pad_token_id=0,
    )
    tokens = torch.randint(1, 64 * scale, (2, 16 * scale))
    kwargs = {"input_ids": tokens, "decoder_input_ids": tokens.clone()}
    return T5ForConditionalGeneration(config), (), kwargs


def resnet50(scale: int):
    from torchvision.models import ResNet
    from torchvision.models.resnet import Bottleneck

    module = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=10, width_per_group=8 * scale)
    return module, (torch.randn(2, 3, 32 * scale, 32 * scale),), {}


def main(folder: Path, scale: int) -> None:
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    for build in (gpt2, llama, t5, resnet50):
        path = folder / f"{build.__name__}.pt2"
        if path.exists():
            continue
        torch.manual_seed(0)
        module, args, kwargs = build(scale)
        program = torch.export.export(module.eval(), args, kwargs)
        torch.export.save(program, folder / f".{path.name}")
        (folder / f".{path.name}").rename(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
