"""Every architecture of `transformers` and `torchvision` that can be built from
a tiny config, with random weights and no download.

    names()      all of them: "causal:llama", "masked:bert", "vision:vit_b_16"
    build(name)  (module in training mode without dropout, keyword inputs)
"""

import contextlib
import inspect

import torch
from torch import nn

BATCH, SEQ, VOCAB, IMAGE = 2, 8, 64, 32

# Sizes by the keys that configs use; a config gets the keys that it knows.
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "d_model": 32,
    "n_embd": 32,
    "dim": 32,
    "width": 32,
    "embedding_size": 32,
    "word_embed_proj_dim": 32,
    "embed_dim": 32,
    "hidden_dim": 32,
    "num_hidden_layers": 4,
    "num_layers": 4,
    "n_layer": 4,
    "n_layers": 4,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_decoder_layers": 2,
    "num_encoder_layers": 2,
    "num_attention_heads": 4,
    "num_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "d_kv": 8,
    "rotary_dim": 4,
    "intermediate_size": 64,
    "ffn_dim": 64,
    "d_ff": 64,
    "n_inner": 64,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "ffn_hidden_size": 64,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_topk": 2,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "index_head_dim": 16,
    "max_position_embeddings": 64,
    "n_positions": 64,
    "n_ctx": 64,
    "max_source_positions": 64,
    "max_target_positions": 64,
    "max_seq_len": 64,
    "state_size": 8,
    "time_step_rank": 4,
    "ssm_state_size": 8,
    "image_size": IMAGE,
    "patch_size": 8,
    "num_labels": 10,
    "use_cache": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 0,
}
# Additional keys by model type.
MORE = {
    "mixtral": {"num_local_experts": 4},
    "falcon": {"num_kv_heads": 2, "new_decoder_architecture": False},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 4},
    "wav2vec2": {
        "conv_dim": [16] * 3,
        "conv_kernel": [4, 3, 3],
        "conv_stride": [4, 2, 2],
        "num_feat_extract_layers": 3,
    },
    "swin": {
        "embed_dim": 16,
        "depths": [1, 1],
        "num_heads": [2, 4],
        "patch_size": 2,
        "window_size": 4,
    },
    "funnel": {"block_sizes": [1, 1, 2], "num_decoder_layers": 2},
    "resnet": {
        "embedding_size": 16,
        "hidden_sizes": [16, 16, 32, 32],
        "depths": [1, 1, 1, 1],
    },
    "opt": {"word_embed_proj_dim": 32},
    "electra": {"embedding_size": 16},
    "albert": {"embedding_size": 16},
}


def _mappings():
    from transformers.models.auto import modeling_auto as auto

    return {
        "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        "masked": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        "classify": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "seq2seq": auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        "image": auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
        "audio": auto.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES,
    }


def names(kind=None):
    found = []
    for group, table in _mappings().items():
        found += [f"{group}:{key}" for key in table]
    import torchvision.models as vision

    for key in vision.list_models(module=vision):
        found.append(f"vision:{key}")
    for key in vision.list_models(module=vision.segmentation):
        found.append(f"vision:{key}")
    return [n for n in found if kind is None or n.startswith(kind + ":")]


def sizes_for(config_class, model_type):
    known = set()
    for parent in config_class.__mro__:
        known |= set(getattr(parent, "__annotations__", {}))
        if "__init__" in vars(parent):
            known |= set(inspect.signature(parent.__init__).parameters)
    known |= set(getattr(config_class, "attribute_map", {}))
    known |= {"num_labels", "pad_token_id", "bos_token_id", "eos_token_id"}
    default = {}
    with contextlib.suppress(Exception):  # some need arguments
        default = config_class().to_dict()
    picked = {}
    for key, value in SIZES.items():
        same_kind = not isinstance(default.get(key), (list, tuple, dict))
        if key in known and same_kind:
            picked[key] = value
    picked.update(MORE.get(model_type, {}))
    return picked


def _transformer(group, model_type):
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    model_name = _mappings()[group][model_type]
    if isinstance(model_name, (tuple, list)):
        model_name = model_name[0]
    model_class = getattr(transformers, model_name)
    config_class = CONFIG_MAPPING[model_type]
    config = config_class(**sizes_for(config_class, model_type))
    for part in (config, *(v for v in vars(config).values() if hasattr(v, "to_dict"))):
        for key in list(part.to_dict()):
            value = getattr(part, key, None)
            if isinstance(value, float) and ("drop" in key) and key != ("token_drop"):
                setattr(part, key, 0.0)
    if group == "masked" or group == "classify":
        config.is_decoder = False
    config.use_cache = False
    module = model_class(config)
    for dropout in module.modules():
        if isinstance(dropout, nn.Dropout):
            dropout.p = 0.0
    return module, _inputs(group, module)


def _inputs(group, module):
    arguments = inspect.signature(module.forward).parameters
    tokens = torch.randint(3, VOCAB, (BATCH, SEQ))
    if group == "image":
        return {"pixel_values": torch.randn(BATCH, 3, IMAGE, IMAGE)}
    if group == "audio":
        return {"input_values": torch.randn(BATCH, 400)}
    inputs = {"input_ids": tokens}
    if group in ("masked", "classify") and "attention_mask" in arguments:
        mask = torch.ones_like(tokens)
        mask[1, SEQ // 2 :] = 0
        inputs["attention_mask"] = mask
    if "decoder_input_ids" in arguments:
        inputs["decoder_input_ids"] = torch.randint(3, VOCAB, (BATCH, SEQ))
    return inputs


def _vision(name):
    import torchvision.models as vision

    options = {"weights": None, "num_classes": 10}
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": False, "aux_logits": False}
    side = IMAGE
    if "segmentation" in str(vision.get_model_builder(name).__module__):
        options = {"weights": None, "weights_backbone": None, "num_classes": 4}
    if name.startswith("vit_"):
        options["image_size"] = 32 if "14" not in name else 28
        side = options["image_size"]
    elif name == "maxvit_t":
        options = {"weights": None, "num_classes": 10}
        side = 224
    elif name.startswith(
        (
            "alexnet",
            "squeezenet",
            "densenet",
            "googlenet",
            "vgg",
            "inception",
            "mnasnet",
        )
    ):
        side = 80 if name == "inception_v3" else 64
    module = vision.get_model(name, **options)
    for child in module.modules():
        if isinstance(child, nn.Dropout):
            child.p = 0.0
        if type(child).__name__ == "StochasticDepth":
            child.p = 0.0
        if type(child).__name__ == "MultiheadAttention":
            child.dropout = 0.0
        for key in ("dropout", "attention_dropout"):
            if isinstance(getattr(child, key, None), float):
                setattr(child, key, 0.0)
    return module, {"x": torch.randn(BATCH, 3, side, side)}


def build(name, seed=0):
    group, key = name.split(":")
    torch.manual_seed(seed)
    module, inputs = _vision(key) if group == "vision" else _transformer(group, key)
    module.train()
    return module, inputs
