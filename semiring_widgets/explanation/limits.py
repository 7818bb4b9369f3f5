"""How many tokens a model takes."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import config_of

__all__ = ["check_rows", "longest_allowed"]

# Tokenizers without a limit say so with a number like 1e30.
_NO_LIMIT = 10**6


def longest_allowed(model: nn.Module, tokenizer: Any) -> int | None:
    """The most tokens that model and tokenizer take, or None where they set no limit."""
    limits = [getattr(tokenizer, "model_max_length", None)]
    config = config_of(model)
    if hasattr(config, "get_text_config"):
        config = config.get_text_config()
    limits.append(getattr(config, "max_position_embeddings", None))
    for name, layer in model.named_modules():
        padding = getattr(layer, "padding_idx", None)
        if padding is not None and name.rpartition(".")[2] == "position_embeddings":
            # RoBERTa and its kin number positions from padding + 1.
            limits.append(len(layer.weight) - padding - 1)
    known = [int(n) for n in limits if isinstance(n, (int, float)) and 0 < n < _NO_LIMIT]
    return min(known) if known else None


def check_rows(model: nn.Module, layer: nn.Module, tokenizer: Any, ids: Tensor) -> None:
    """Refuse a token that the embedding layer has no row for.

    Raises:
        InputError: names the token. On a GPU the lookup itself would break the process.
    """
    weight = getattr(layer, "weight", None)
    rows = getattr(layer, "num_embeddings", len(weight) if isinstance(weight, Tensor) else None)
    if rows is None or int(ids.max()) < rows:
        return
    number = int(ids.max())
    raise InputError(
        f"The token {tokenizer.convert_ids_to_tokens(number)!r} of the text has id {number}, and "
        f"{type(model).__name__} has embeddings for ids 0 to {rows - 1}. If it was added to the "
        f"tokenizer, call model.resize_token_embeddings(len(tokenizer)) and train the new rows; else "
        f"load the tokenizer that belongs to the model."
    )
