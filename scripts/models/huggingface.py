"""Architectures from `transformers`, built from their configs: no download."""

import torch
from torch import nn
from torch.export import Dim

from models.example import (
    Example,
    Options,
    batch_dim,
    random_tokens,
    token_dims,
)


def gpt2(options: Options) -> Example:
    """GPT-2: tied head, learned positions, byte vocabulary."""
    from transformers import GPT2Config, GPT2LMHeadModel

    dropout = options.get("dropout", 0.0)
    vocab, seq = options.get("vocab", 256), options.get("seq", 128)
    config = GPT2Config(
        vocab_size=vocab,
        n_positions=seq,
        n_embd=options.get("width", 128),
        n_layer=options.get("layers", 4),
        n_head=options.get("heads", 4),
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=0,
        eos_token_id=0,
        use_cache=False,
    )
    return _causal(GPT2LMHeadModel(config), options, vocab, seq)


def llama(options: Options) -> Example:
    """LLaMA: grouped-query attention, RoPE, RMS norm, untied head."""
    from transformers import LlamaConfig, LlamaForCausalLM

    width, heads = options.get("width", 64), options.get("heads", 4)
    vocab, seq = options.get("vocab", 256), options.get("seq", 32)
    config = LlamaConfig(
        vocab_size=vocab,
        max_position_embeddings=seq,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=options.get("layers", 4),
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        attention_dropout=options.get("dropout", 0.0),
        bos_token_id=0,
        eos_token_id=0,
        use_cache=False,
        tie_word_embeddings=False,
    )
    return _causal(LlamaForCausalLM(config), options, vocab, seq)


def _causal(module: nn.Module, options: Options, vocab: int, seq: int) -> Example:
    tokens = random_tokens(vocab, options.get("batch", 2), seq)
    return Example(
        module,
        kwargs={"input_ids": tokens},
        dynamic={"input_ids": token_dims(seq)},
    )


def bert(options: Options) -> Example:
    """BERT for masked tokens: padding mask, head tied to the embedding."""
    from transformers import BertConfig, BertForMaskedLM

    dropout = options.get("dropout", 0.0)
    width, heads = options.get("width", 64), options.get("heads", 4)
    vocab, seq = options.get("vocab", 256), options.get("seq", 64)
    config = BertConfig(
        vocab_size=vocab,
        max_position_embeddings=seq,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=options.get("layers", 4),
        num_attention_heads=heads,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    tokens = random_tokens(vocab, options.get("batch", 2), seq)
    mask = torch.ones_like(tokens)
    mask[1:, 3 * seq // 4 :] = 0
    dims = token_dims(seq)
    return Example(
        BertForMaskedLM(config),
        kwargs={"input_ids": tokens, "attention_mask": mask},
        dynamic={"input_ids": dims, "attention_mask": dims},
    )


def t5(options: Options) -> Example:
    """T5 with its own loss from `labels`; encoder and decoder have `layers` each."""
    from transformers import T5Config, T5ForConditionalGeneration

    width, heads = options.get("width", 64), options.get("heads", 4)
    vocab, seq = options.get("vocab", 256), options.get("seq", 32)
    config = T5Config(
        vocab_size=vocab,
        d_model=width,
        d_kv=width // heads,
        d_ff=2 * width,
        num_layers=options.get("layers", 2),
        num_heads=heads,
        dropout_rate=options.get("dropout", 0.0),
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        use_cache=False,
    )
    batch = options.get("batch", 2)
    tokens = random_tokens(vocab, batch, seq)
    mask = torch.ones_like(tokens)
    mask[1:, 3 * seq // 4 :] = 0
    rows = batch_dim()
    source = {0: rows, 1: Dim("source", min=2, max=seq)}
    return Example(
        T5ForConditionalGeneration(config),
        kwargs={
            "input_ids": tokens,
            "attention_mask": mask,
            "labels": random_tokens(vocab, batch, seq // 2),
        },
        dynamic={
            "input_ids": source,
            "attention_mask": source,
            "labels": {0: rows, 1: Dim("target", min=3, max=seq)},
        },
    )


TABLE = {"gpt2": gpt2, "llama": llama, "bert": bert, "t5": t5}
