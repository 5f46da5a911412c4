"""Architectures from `transformers`, built from their configs: no download."""

from torch import nn

from models.example import Example, Options, random_tokens, token_dims


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


TABLE = {"gpt2": gpt2, "llama": llama}
