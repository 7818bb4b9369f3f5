"""What results are made of: tokens, layers, scores, totals; plain facts, frozen.

    >>> token = Token(index=0, text="keys", raw="keys", id=7, start=4, end=8, special=False)
    >>> token.text
    'keys'

Nothing here is validated: the constructors are called by the code that has just computed the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Correlation",
    "Layer",
    "Part",
    "Reference",
    "Score",
    "Segment",
    "Sentence",
    "Statistic",
    "Status",
    "Stream",
    "Token",
    "Totals",
]


@dataclass(frozen=True)
class Token:
    """One token: ``text`` is what people read, ``raw`` the tokenizer's piece.

    ``text`` is the source, or what the piece stands for where no characters of the source are its own; white
    space and what has no shape are marked, and parts of a character show which bytes they are.
    """

    index: int
    text: str
    raw: str
    id: int
    start: int
    end: int
    special: bool


@dataclass(frozen=True)
class Segment:
    """A text of a pair, or a message of a chat.

    Attributes:
        name: ``"first text"``, ``"second text"``, or the role of who says it.
        begins: its first token.
    """

    name: str
    begins: int


@dataclass(frozen=True)
class Stream:
    """A sequence of tokens: ``"input"``, or ``"encoder"`` and ``"decoder"``.

    Attributes:
        segments: of what it is made, in order; none where it is one text.
    """

    name: str
    tokens: tuple[Token, ...]
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One attention. ``key_stream`` differs from ``stream`` (its queries) in cross-attention."""

    name: str
    index: int
    stream: int
    key_stream: int
    heads: int


@dataclass(frozen=True)
class Score:
    """The scalar explained, for example ``logit(are) - logit(is) at [MASK]``.

    Attributes:
        position: the token whose logits are read; of a continuation, for the first of its pieces.
        unit: ``"logit"``; ``"nats"``, where it is the log-probability of a continuation of several pieces;
            ``"score"``, where it is the caller's own.
        continuation: the first token of the last stream that belongs to what is asked for, which the model
            reads as its own words; None where one piece is asked for.
        pieces: the pieces of a continuation, as people read them.
        contrast_pieces: those of the continuation that it is compared with.
    """

    label: str
    value: float
    target: str | None
    contrast: str | None
    position: int | None
    unit: str = "logit"
    continuation: int | None = None
    pieces: tuple[str, ...] = ()
    contrast_pieces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Totals:
    """Facts about all paths together, in nats; None where not known yet."""

    log_mass: float | None = None
    entropy: float | None = None
    best_log_weight: float | None = None
    best_sign: int | None = None
    log_cancellation: float | None = None


@dataclass(frozen=True)
class Statistic:
    """A number of the paths in a semiring of the reader's choice, with its unit (``"nats"``: a logarithm)."""

    name: str
    unit: str


@dataclass(frozen=True)
class Status:
    """How far the computation is: ``state`` is running, done, cancelled or failed."""

    state: str = "done"
    done: int = 0
    total: int = 0
    message: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the model that paths can pass; a token without a layer is where they start.

    Attributes:
        stream: which input a token without a layer belongs to.
    """

    layer: int | None = None
    branch: str | None = None
    head: int | None = None
    token: int | None = None
    stream: int = 0


@dataclass(frozen=True)
class Reference:
    """What the text is compared with: effects and contributions say what becomes of the score in its place.

    Attributes:
        kind: ``"mask"``, ``"mean"``, ``"zero"``, ``"text"`` or ``"tensor"``.
        label: in words, for example ``"[MASK] in the place of every token"``.
        score: the score of the whole reference.
        streams: the tokens of a second text; empty otherwise.
        aligned: for each token of each stream of the text, its counterpart in the stream of the second text;
            -1 where there is none.
    """

    kind: str
    label: str
    score: float
    streams: tuple[Stream, ...] = ()
    aligned: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Sentence:
    """One sentence of the answer.

    Attributes:
        kind: what it tells: ``"score"``, ``"words"``, ``"route"``, ``"replaced"`` or ``"remark"``.
        parts: what it is about, to be selected with it.
    """

    kind: str
    text: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Correlation:
    """How well contributions rank the parts of one kind as their effects do, in this text.

    Attributes:
        kind: ``"tokens"``, ``"heads"`` or ``"mlps"``.
        rank_correlation: Spearman's, -1 to 1.
    """

    kind: str
    rank_correlation: float
