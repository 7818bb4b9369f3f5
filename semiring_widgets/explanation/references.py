"""What a text is compared with: one choice for a whole question, as embeddings that stand in for its own.

The mask token in the place of every token, their mean, zeros, another text or a tensor: effects say what
becomes of the score when a part is given the value that it has there, contributions estimate that, along
input minus reference.

A second text stands in token by token where it has as many tokens. Where it has not, it does word by word
(`difflib`), and what has no counterpart stays as it is.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.model_call import ModelCall
from semiring_widgets.explanation.text import encode, source_of, stream_of
from semiring_widgets.results.aligned_words import aligned_by_words
from semiring_widgets.results.parts import Part, Reference, Stream
from semiring_widgets.results.visible import shortened, token_label, visible

__all__ = ["Referenced", "check_reference", "referenced", "stand_in"]

_WORDS = ("mask", "mean", "zero")
_SHOWN = 60  # characters of a text in a label
_EVERYWHERE = " in the place of every token"
_LISTED = 4  # tokens without a counterpart that are named


@dataclass(frozen=True)
class Referenced:
    """A reference of a prepared question.

    Attributes:
        kind, label, streams, aligned: as in `semiring_widgets.results.parts.Reference`.
        inputs: embeddings of each stream, shaped as those of the text.
    """

    kind: str
    label: str
    inputs: tuple[Tensor, ...]
    streams: tuple[Stream, ...] = ()
    aligned: tuple[tuple[int, ...], ...] = ()

    def told(self, score: float) -> Reference:
        """As a plain fact.

        Args:
            score: of the whole reference.
        """
        return Reference(self.kind, self.label, score, self.streams, self.aligned)


def stand_in(reference: Reference, part: Part, quoted: Callable[[str], str]) -> str | None:
    """What a token was given, as one says it: "with ... for keys"; None where nothing stands in for it.

    Args:
        reference: of the explanation.
        part: the token.
        quoted: sets a word apart.
    """
    if reference.kind == "mask":
        return reference.label.removesuffix(_EVERYWHERE)
    if reference.kind == "text" and part.token is not None:
        row = reference.aligned[part.stream][part.token]
        tokens = reference.streams[part.stream].tokens
        return None if row < 0 else quoted(token_label(tokens[row]))
    return {"mean": "an average word", "zero": "zeros"}.get(reference.kind, "the given numbers")


def check_reference(reference: Any) -> None:
    """Refuse what can be no reference, before anything is computed.

    Raises:
        InputError: another kind of value, or a word that looks like one of the choices.
    """
    if reference is None or isinstance(reference, (Tensor, str)):
        near = difflib.get_close_matches(reference, _WORDS, 1, 0.7) if isinstance(reference, str) else []
        if not near or reference in _WORDS:
            return
        raise InputError(
            f"reference is {shown(reference)}; did you mean {near[0]!r}? Give one of {', '.join(_WORDS)}, a "
            f"second text, or a tensor."
        )
    if isinstance(reference, (tuple, list)) and reference:
        kinds = {Tensor if isinstance(one, Tensor) else type(one) for one in reference}
        if kinds == {Tensor} or (isinstance(reference, tuple) and kinds == {str}):
            return
    raise InputError(
        f"reference is {shown(reference)}; give one of {', '.join(_WORDS)}, a second text (of a pair, both "
        f"texts), or a tensor shaped as the embeddings (one for each stream)."
    )


def referenced(call: ModelCall, given: Any = None) -> Referenced:
    """The reference of a question.

    Args:
        call: the model and the text.
        given: what `check_reference` has passed; None for the mask token where there is one, else the mean.

    Raises:
        InputError: it cannot stand in for this text.
    """
    if given is None:
        given = "mask" if _has_mask(call) else "mean"
    if isinstance(given, str) and given in _WORDS:
        return _by_word(call, given)
    if isinstance(given, Tensor) or (isinstance(given, (tuple, list)) and isinstance(given[0], Tensor)):
        return Referenced("tensor", "a tensor in the place of the embeddings", _tensors(call, given))
    return _by_text(call, given)


def _has_mask(call: ModelCall) -> bool:
    number = getattr(call.source.tokenizer, "mask_token_id", None)
    return number is not None and all(number < _rows(call, stream) for stream in range(len(call.starts)))


def _rows(call: ModelCall, stream: int) -> float:
    """How many ids an embedding layer knows."""
    rows = getattr(call.starts[stream][0].lookup.layer, "num_embeddings", None)
    return math.inf if rows is None else int(rows)


def _by_word(call: ModelCall, word: str) -> Referenced:
    if word == "zero":
        return Referenced(word, f"zeros{_EVERYWHERE}", tuple(map(torch.zeros_like, call.inputs)))
    if word == "mean":
        means = tuple(x.mean(1, keepdim=True).expand_as(x) for x in call.inputs)
        return Referenced(word, "the mean of the text's tokens in the place of each", means)
    tokenizer = call.source.tokenizer
    number = getattr(tokenizer, "mask_token_id", None)
    if number is None or not _has_mask(call):
        raise InputError(
            "reference='mask' was given, and this model has no mask token; give 'mean', 'zero' or a second "
            "text."
        )
    inputs = tuple(_embedded(call, stream, [number] * x.shape[1]) for stream, x in enumerate(call.inputs))
    return Referenced(word, f"{visible(str(tokenizer.mask_token))}{_EVERYWHERE}", inputs)


def _embedded(call: ModelCall, stream: int, ids: Sequence[int]) -> Tensor:
    """What a stream's embedding layer gives for other tokens, as many as it has."""
    start = call.starts[stream][0]
    return start.of(torch.tensor([list(ids)], device=start.lookup.given.device))


def _tensors(call: ModelCall, given: Any) -> tuple[Tensor, ...]:
    many = [given] if isinstance(given, Tensor) else list(given)
    wanted = [list(x.shape) for x in call.inputs]
    # Of an encoder-decoder, the text alone: the decoder's tokens stay.
    filled = [*many, *call.inputs[len(many) :]]
    if len(filled) != len(call.inputs):
        raise InputError(f"reference has {len(many)} tensors, and the text has {len(call.inputs)} streams.")
    found = []
    for own, one in zip(call.inputs, filled, strict=True):
        try:
            value = one.detach().to(dtype=own.dtype, device=own.device).expand(own.shape)
        except RuntimeError as error:
            raise InputError(
                f"reference has the shapes {[list(t.shape) for t in many]}; the embeddings have {wanted}: "
                f"give a tensor of that shape, or one that broadcasts to it."
            ) from error
        if not bool(value.isfinite().all()):
            raise InputError("reference holds NaN or infinity; give finite numbers.")
        found.append(value)
    return tuple(found)


def _by_text(call: ModelCall, given: Any) -> Referenced:
    count, wanted = 1 if isinstance(given, str) else len(given), len(call.source.parts)
    if count != wanted:
        raise InputError(
            f"reference has {count} text{'s' * (count > 1)}, and the question {wanted}; give as many of both."
        )
    source = source_of(call.source.tokenizer, given, call.source.add_special_tokens)
    answer = call.source.answer if len(call.streams) == 1 else ()
    encoding = encode(replace(source, answer=answer), None, answered=True)
    ids = encoding["input_ids"][0]
    first = call.streams[0]
    if int(ids.max()) >= _rows(call, 0):
        raise InputError("reference has a token that this model does not know; use the model's tokenizer.")
    second = stream_of(first.name, source.tokenizer, ids, source.text, encoding["offsets"])
    if len(second.tokens) == len(first.tokens):
        rows = tuple(range(len(first.tokens)))
    else:
        rows = aligned_by_words(first, call.source.text, second, source.text)
    own = [token.id for token in first.tokens]
    put = [own[place] if row < 0 else int(ids[row]) for place, row in enumerate(rows)]
    inputs = (_embedded(call, 0, put), *call.inputs[1:])
    kept = tuple(tuple(range(len(stream.tokens))) for stream in call.streams[1:])
    label = f"“{shortened(visible(' / '.join(source.parts)), _SHOWN)}”{_unmatched(first, second, rows)}"
    return Referenced("text", label, inputs, (second, *call.streams[1:]), (rows, *kept))


def _unmatched(first: Stream, second: Stream, rows: Sequence[int]) -> str:
    """What of two texts has no counterpart in the other one, in words."""
    alone = [token_label(token) for token, row in zip(first.tokens, rows, strict=True) if row < 0]
    left = [token_label(token) for token in second.tokens if token.index not in rows]
    told = []
    if alone:
        stay = "stays as it is" if len(alone) == 1 else "stay as they are"
        told.append(f"{_several(alone)} {stay}, without a counterpart there")
    if left:
        told.append(f"{_several(left)} there {'is' if len(left) == 1 else 'are'} not used")
    return f" ({'; '.join(told)})" if told else ""


def _several(names: Sequence[str]) -> str:
    listed = ", ".join(shortened(name, 20) for name in names[:_LISTED])
    return f"{listed} and {len(names) - _LISTED} more" if len(names) > _LISTED else listed
