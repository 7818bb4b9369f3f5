"""What the numbers that a model gives are about: by what it holds and gives, not by its name alone.

The tables of the transformers library know their own classes. Whatever stands around such a class (a
subclass, an adapter, a module of the user's) is decided by the shape of what comes out.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

__all__ = ["config_of", "known_family", "logits_of", "unwrapped"]

# The first table that has the class decides.
_TABLES = (
    ("encoder-decoder", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES"),
    ("masked", "MODEL_FOR_MASKED_LM_MAPPING_NAMES"),
    ("causal", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"),
    ("classifier", "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES"),
    ("token classifier", "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES"),
    ("classifier", "MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING_NAMES"),
    ("answers", "MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES"),
    ("choices", "MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES"),
    # Of text and images: an encoder-decoder (Florence-2) or, most of them, a causal model.
    ("generator", "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES"),
    ("generator", "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES"),
)
# Modules that run another one with the arguments that they are given, and only spread or compile the work.
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside wrappers that do not change what it computes.

    ``torch.compile`` changes it by rounding only; compiled code cannot be recorded.
    """
    while (name := _WRAPPERS.get(type(model).__name__)) is not None:
        inner = getattr(model, name, None)
        if not isinstance(inner, nn.Module):
            break
        model = inner
    return model


def config_of(model: nn.Module) -> Any:
    """The configuration of a model, or of the first of its parts that has one; None where none has."""
    for part in model.modules():
        if hasattr(config := getattr(part, "config", None), "to_dict"):
            return config
    return None


def known_family(model: nn.Module) -> str | None:
    """What logits are about where the class, or one that it derives from, is in the library's tables.

    Returns:
        ``masked``, ``causal``, ``encoder-decoder``, ``classifier``, ``token classifier``, ``answers`` (to
        questions about a text), ``choices`` (several texts at once), or None.
    """
    from transformers.models.auto import modeling_auto

    classes = {cls.__name__ for cls in type(model).__mro__}
    for family, table in _TABLES:
        for names in getattr(modeling_auto, table, {}).values():
            if classes & ({names} if isinstance(names, str) else set(names)):
                if family == "generator":
                    config = config_of(model)
                    return "encoder-decoder" if getattr(config, "is_encoder_decoder", False) else "causal"
                return family
    return None


def logits_of(output: Any) -> Tensor | None:
    """The logits in a model's output: by name, or the first of several (``config.return_dict=False``)."""
    # BertForPreTraining gives two kinds: of words, and of whether a sentence follows another.
    for name in ("logits", "prediction_logits"):
        found = output.get(name) if type(output) is dict else getattr(output, name, None)
        if isinstance(found, Tensor):
            return found
    if type(output) in (tuple, list) and output:
        output = output[0]
    return output if isinstance(output, Tensor) and output.is_floating_point() else None
