"""Any configuration class of transformers, made tiny: two layers, 32 wide, four heads, 50 words."""

import torch
import transformers

WIDTH, HEADS, WORDS, TOKENS = 32, 4, 50, 7

# What configurations call their sizes. Only names that a class knows are given to it.
SIZES = {
    **dict.fromkeys(["hidden_size", "d_model", "n_embd", "embedding_size", "dim", "embed_dim"], WIDTH),
    **dict.fromkeys(["word_embed_proj_dim", "emb_dim", "n_embed", "projection_dim", "conv_dim"], WIDTH),
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers"], 2),
    **dict.fromkeys(["encoder_layers", "decoder_layers", "num_decoder_layers", "num_encoder_layers"], 2),
    **dict.fromkeys(["num_attention_heads", "n_head", "n_heads", "num_heads"], HEADS),
    **dict.fromkeys(["encoder_attention_heads", "decoder_attention_heads"], HEADS),
    **dict.fromkeys(["num_key_value_heads"], 2),
    **dict.fromkeys(["head_dim", "d_kv", "d_head"], WIDTH // HEADS),
    **dict.fromkeys(["intermediate_size", "ffn_dim", "d_ff", "d_inner", "n_inner", "hidden_dim"], 48),
    **dict.fromkeys(["encoder_ffn_dim", "decoder_ffn_dim", "dff"], 48),
    **dict.fromkeys(["moe_intermediate_size", "shared_expert_intermediate_size"], 24),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"], 4),
    **dict.fromkeys(["num_experts_per_tok", "top_k_experts", "moe_topk", "moe_k"], 2),
    **dict.fromkeys(["vocab_size", "vocab_size_per_layer_input"], WORDS),
    **dict.fromkeys(["max_position_embeddings", "n_positions", "max_source_positions"], 64),
    **dict.fromkeys(["max_target_positions"], 16),
    **dict.fromkeys(["pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"], 1),
    "image_size": 32,
    "patch_size": 8,
    "num_labels": 3,
}


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


def first_of(config, *names):
    """The first of some attributes that there is."""
    return next(getattr(config, name) for name in names if getattr(config, name, None) is not None)


def known_fields(config_class):
    """Names that a configuration class takes, aliases included."""
    default = config_class()
    return set(default.to_dict()) | set(getattr(default, "attribute_map", {}))


def shrink(config_class, **changes):
    """A tiny configuration; ``changes`` come last, and may hold dictionaries for nested configurations."""
    known = known_fields(config_class)
    aliased = getattr(config_class, "attribute_map", {})
    real = {name: size for name, size in SIZES.items() if name in known and aliased.get(name) not in SIZES}
    default = config_class()
    for name in getattr(config_class, "sub_configs", {}):
        nested = getattr(default, name, None)
        # What names its own kind is another model than the default one, and given whole.
        if isinstance(nested, transformers.PreTrainedConfig) and "model_type" not in changes.get(name, {}):
            real[name] = shrink(type(nested), **changes.pop(name, {})).to_dict()
    return config_class(**{**real, **changes})


def build(name, attention="eager", **changes):
    """A tiny model of a class, with random weights that leave nothing at zero.

    Returns:
        The model, in evaluation mode.
    """
    model_class = getattr(transformers, name)
    config = shrink(model_class.config_class, **changes)
    config._attn_implementation = attention
    torch.manual_seed(0)
    model = model_class(config).eval()
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=noise)
    return model
