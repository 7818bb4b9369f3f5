"""What tokens, heads and routes are called, the same in every sentence, label and table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from semiring_widgets.results.parts import Layer, Part, Stream
from semiring_widgets.results.rankings import ListedStep
from semiring_widgets.results.visible import token_label

__all__ = ["Names", "head_name", "with_and"]

_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_OPERANDS = ("query", "key", "value")


def head_name(layer: int, head: int | None) -> str:
    """A head, or all of a layer.

    >>> head_name(3, 1), head_name(3, None)
    ('head 3·1', 'the attention of layer 3')
    """
    return f"the attention of layer {layer}" if head is None else f"head {layer}·{head}"


def with_and(words: Iterable[str]) -> str:
    """Words with commas, and an "and" before the last.

    >>> with_and(["keys"]), with_and(["keys", "The"]), with_and(["keys", "The", "on"])
    ('keys', 'keys and The', 'keys, The and on')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True)
class Names:
    """Names of the parts of one explanation.

    Attributes:
        streams: the tokens.
        layers: the attention layers.
    """

    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]

    def token(self, stream: int, token: int) -> str:
        """A token's text, with position and stream where others have the same."""
        stream = min(stream, len(self.streams) - 1)
        tokens = self.streams[stream].tokens
        if token >= len(tokens):
            return f"token {token}"
        text = token_label(tokens[token])
        name = text + ("" if self._counts[stream][text] == 1 else str(token).translate(_BELOW))
        shared = sum(counts[text] > 0 for counts in self._counts) > 1
        return f"{name} ({self.streams[stream].name})" if shared else name

    def part(self, part: Part) -> str:
        """A part of the model or of the text, in a few words.

        Example:
            >>> from semiring_widgets.explanation.names import Names
            >>> names = Names(e.streams, e.layers)
            >>> names.part(Part(token=2)), names.part(Part(layer=1, branch="mlp"))
            ('keys', 'the MLP of layer 1')
            >>> names.part(Part(layer=3, head=1, branch="key", token=2))
            'the key of head 3·1 at keys'
        """
        if part.layer is None:
            return "the whole text" if part.token is None else self.token(part.stream, part.token)
        layer = self.layers[part.layer]
        keys = part.branch in ("key", "value")
        token = (
            "" if part.token is None else self.token(layer.key_stream if keys else layer.stream, part.token)
        )
        at = f" at {token}" if token else ""
        if part.branch in _OPERANDS:
            return f"the {part.branch} of {head_name(part.layer, part.head)}{at}"
        if part.branch == "mlp":
            return f"the MLP of layer {part.layer}{at}"
        if part.branch is not None:
            return f"the {part.branch} of layer {part.layer}{at}"
        if part.head is None and token:
            return f"{token} at layer {part.layer}"
        return head_name(part.layer, part.head) + at

    def source(self, step: ListedStep) -> str:
        """The token that a step begins at."""
        layer = self.layers[step.layer]
        return self.token(layer.stream if step.branch == "query" else layer.key_stream, step.source)

    def target(self, step: ListedStep) -> str:
        """The token that a step leads to."""
        return self.token(self.layers[step.layer].stream, step.target)

    def route(self, steps: Sequence[ListedStep]) -> str:
        """A route by its tokens and heads.

        Args:
            steps: those by attention.
        """
        if not steps:
            return "no attention"
        tokens = [self.source(steps[0])]
        for step in steps:
            if (name := self.target(step)) != tokens[-1]:
                tokens.append(name)
        heads = ", ".join(f"{s.layer}·{s.head}" if s.head is not None else f"layer {s.layer}" for s in steps)
        return f"{' → '.join(tokens)} ({'heads' if len(steps) > 1 else 'head'} {heads})"

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        return [Counter(token_label(token) for token in stream.tokens) for stream in self.streams]
