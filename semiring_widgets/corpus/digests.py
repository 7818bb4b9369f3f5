"""What tells one model or tokenizer from another, so that no run goes on with a second one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch

__all__ = ["digest_of_model", "digest_of_tokenizer"]

# A call with padding=True or truncation=True leaves these behind; what a text becomes does not follow them.
_LEFT_BY_CALLS = ("padding", "truncation")


def digest_of_model(model: torch.nn.Module) -> str:
    """Of a model's weights, bit by bit: another model, or another state of it, has another one.

    Args:
        model: any; nothing of it is changed.
    """
    found = hashlib.sha256()
    weights = {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    for name, value in weights.items():
        found.update(repr((name, list(value.shape), str(value.dtype))).encode())
        # Of weights that are loaded when they are called, names and shapes must do.
        if not value.is_meta:
            found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:16]


def digest_of_tokenizer(tokenizer: Any) -> str:
    """Of what a tokenizer makes of texts: its words, its special tokens and its rules.

    Args:
        tokenizer: one of transformers; of a slow one the rules are its class.

    Example:
        >>> from semiring_widgets.corpus.digests import digest_of_tokenizer
        >>> before = digest_of_tokenizer(tokenizer)
        >>> _ = tokenizer(["a", "a b c"], padding=True)
        >>> digest_of_tokenizer(tokenizer) == before
        True
    """
    words = tokenizer.get_vocab() if hasattr(tokenizer, "get_vocab") else {}
    more = [repr(getattr(tokenizer, name, None)) for name in ("special_tokens_map", "chat_template")]
    said: list[Any] = [type(tokenizer).__name__, sorted(words.items()), more]
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if hasattr(backend, "to_str"):
        rules = json.loads(backend.to_str())
        said.append({name: rule for name, rule in rules.items() if name not in _LEFT_BY_CALLS})
    text = json.dumps(said, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
