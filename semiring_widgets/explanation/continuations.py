"""A target of several pieces: what a model says to a whole continuation of the text.

The score is the log-probability of the continuation (nats), the sum of those of its pieces, each given the
text and the pieces before it (teacher forcing): one forward pass of text and continuation. A target of one
piece keeps its logit.

The pieces are those that the tokenizer makes of text and continuation read together, as the model would see
them. Where the text itself becomes other tokens by that, there is no such continuation, and it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from unicodedata import normalize

import torch
from torch import Tensor

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import logits_of
from semiring_widgets.explanation.model_call import ModelCall, call_with_text
from semiring_widgets.explanation.pieces import Pieces
from semiring_widgets.explanation.places import Place
from semiring_widgets.explanation.questions import PLACES, index_asked
from semiring_widgets.explanation.same_pass import alike
from semiring_widgets.explanation.targets import token_id
from semiring_widgets.question import Question
from semiring_widgets.results.parts import Score
from semiring_widgets.results.visible import shortened, visible

__all__ = ["Answer", "Continuation", "continuations", "listed_ids", "numbered", "written"]

_GOES_ON = ("causal", "encoder-decoder")
# Every piece takes a forward pass to be found, and one to be tested.
_MOST = 512
_SHOWN = 60  # characters of a continuation in a label


@dataclass(frozen=True)
class Continuation:
    """A score that is read from the logits of an output: the log-probability of pieces in a row.

    Attributes:
        index: token whose logits are read for the first piece; those of the pieces themselves follow it.
        pieces: their ids.
    """

    index: int
    pieces: tuple[int, ...]

    def each(self, output: Any) -> Tensor:
        """Log-probability of every piece given those before it (nats), shape (B, pieces)."""
        given = cast(Tensor, logits_of(output))[:, self.index : self.index + len(self.pieces)]
        # Sums of exponentials over a vocabulary are too long for half precision.
        said = (given if given.dtype == torch.float64 else given.float()).log_softmax(-1)
        ids = torch.tensor(self.pieces, device=given.device)
        return said.gather(-1, ids.expand(len(given), -1)[..., None])[..., 0]

    def __call__(self, output: Any) -> Tensor:
        """Of an output of the model, shape (B,)."""
        return self.each(output).sum(-1)


@dataclass(frozen=True)
class Answer:
    """A continuation that is asked for.

    Attributes:
        asked: the score.
        score: how it is called (value not filled in).
        read: the pieces that the model reads behind the text.
        first: token whose logits are read for the first of these.
        before: the logits that the model gives there to the text alone, (words,).
    """

    asked: Continuation
    score: Score
    read: tuple[int, ...]
    first: int
    before: Tensor

    def check(self, call: ModelCall, output: Any) -> None:
        """Refuse a model that sees what comes after: it would be asked for what it has been told.

        Args:
            call: with the continuation.
            output: of the model.

        Raises:
            InputError: the first piece has other logits than the text alone gives it.
        """
        logits = cast(Tensor, logits_of(output))
        if logits.shape[1] != len(call.streams[-1].tokens) or not alike(
            call.model, self.before, logits[0, self.first]
        ):
            raise InputError(
                f"{type(call.model).__name__} gives other logits to the text when the continuation stands "
                f"behind it, so it sees what it is asked for. Ask for one token, or give score=."
            )


def continuations(call: ModelCall, family: str, logits: Tensor, question: Question) -> tuple[Answer, ...]:
    """The continuations that are asked for: of the target, and of the contrast if there is one.

    Args:
        call: the model and the text.
        family: see `family_and_logits`.
        logits: what the model says to the text, (1, T, words).
        question: what is asked.

    Returns:
        None at all where target and contrast are a single token each (or a class), which have logits.

    Raises:
        InputError: anything of this that cannot be used as given.
    """
    alone = question.piece
    listed = [name for name in ("target", "contrast") if isinstance(getattr(question, name), (list, tuple))]
    if family not in _GOES_ON or (family == "encoder-decoder" and "decoder_input_ids" not in call.arguments):
        if listed or question.generate is not None or alone is not None:
            given = "piece" if question.generate is None else "generate"
            what = f"{listed[0]} is a list of pieces" if listed else f"{given}= was given"
            raise InputError(
                f"{what}, and {type(call.model).__name__} ({family}) does not go on with a text; give one "
                f"answer, or ask a causal model or an encoder-decoder."
            )
        return ()
    index, where = index_asked(call.source, call.streams[-1], family, question.position)
    place = PLACES[family](call.source, call.streams[-1], index)
    vocabulary = logits.shape[-1]
    target: tuple[int, ...] | None
    if question.generate is not None:
        target = _own_words(call, logits[0, index], index, question.generate)
    else:
        target = _pieces(place, question.target, "target", vocabulary)
    contrast = _pieces(place, question.contrast, "contrast", vocabulary)
    if target is None and contrast is None and alone is None:
        return ()
    if question.position is not None:
        raise InputError(
            "position= was given, and a continuation of several pieces stands behind the whole text; leave "
            "position= out, or shorten the text to where it is asked."
        )
    if target is None and question.target is None:
        raise InputError(
            f"{'The contrast is several pieces' if alone is None else 'piece= was'} and no target was given; "
            f"give target=, or generate=, the number of pieces of the model's own continuation."
        )
    if alone is not None and question.contrast is not None:
        raise InputError(
            "Both piece= and contrast= were given, and one piece of the target is compared with nothing; "
            "leave one of them out."
        )
    asked = [_one(place, question.target, "target", vocabulary) if target is None else target]
    if question.contrast is not None:
        asked.append(_one(place, question.contrast, "contrast", vocabulary) if contrast is None else contrast)
    if len(set(asked)) < len(asked):
        raise InputError("target and contrast are the same pieces; choose another contrast.")
    before = logits[0, index].clone()
    if alone is not None:
        return (_answer(call, asked[0], index, where, before, numbered(alone, len(asked[0]))),)
    return tuple(_answer(call, pieces, index, where, before) for pieces in asked)


def _answer(
    call: ModelCall, pieces: tuple[int, ...], first: int, where: str, before: Tensor, alone: int | None = None
) -> Answer:
    """A continuation that begins behind a token; of its pieces all, or one alone."""
    known, index, read = call.source.pieces, first, pieces
    if alone is not None:
        index, read, pieces = first + alone, pieces[: alone + 1], pieces[alone : alone + 1]
        where = f"after {known.label(read[alone - 1])}" if alone else where
    name = written(known, pieces)
    labels = tuple(map(known.label, pieces))
    score = Score(f"log p({name}) {where}", 0.0, name, None, index, "nats", index + 1, labels)
    return Answer(Continuation(index, pieces), score, read, first, before)


def numbered(piece: Any, count: int) -> int:
    """Which piece is asked for.

    Args:
        piece: what was given.
        count: how many there are.

    Raises:
        InputError: it is none of them.
    """
    number = whole_number(piece, "piece", least=0, most=None, wanted="the number of a piece, from 0")
    if number >= count:
        raise InputError(f"piece is {number}, and the continuation has {count} pieces, counted from 0.")
    return number


def _one(place: Place, asked: Any, what: str, vocabulary: int) -> tuple[int, ...]:
    return (token_id(place, asked, what, vocabulary),)


def _pieces(place: Place, asked: Any, what: str, vocabulary: int) -> tuple[int, ...] | None:
    """The pieces of a continuation; None of what is one token, or none at all."""
    if isinstance(asked, (list, tuple)):
        return listed_ids(asked, what, vocabulary)
    if not isinstance(asked, str) or not asked or asked in place.source.pieces.special_ids():
        return None
    written = dict.fromkeys([asked, *(normalize(form, asked) for form in ("NFC", "NFD"))])
    if any(place.fitting(word) is not None for word in written) or place.source.pieces.candidates(asked):
        return None
    read, kept = place.continued(asked)
    if (kept and len(read) < 2) or getattr(place.source.tokenizer, "unk_token_id", None) in read:
        return None  # `token_id` says why
    if not kept:
        raise InputError(
            f"{what} {shown(asked)} and the text become other tokens when they are read together than the "
            f"text is alone, so it does not go on with it. End the text where a word ends, or give the ids "
            f"of the pieces: {what}=tokenizer({what}, add_special_tokens=False)['input_ids']."
        )
    if max(read) >= vocabulary:
        raise InputError(
            f"{what} {shown(asked)} has a piece, token {max(read)}, for which the model has no logit (it has "
            f"{vocabulary}); call model.resize_token_embeddings(len(tokenizer)), or choose other words."
        )
    return tuple(read)


def listed_ids(asked: Sequence[Any], what: str, vocabulary: int) -> tuple[int, ...]:
    """Pieces by their ids.

    Args:
        asked: the ids.
        what: ``"target"`` or ``"contrast"``, for messages.
        vocabulary: number of logits.

    Raises:
        InputError: none, or an id that is none of the model's.
    """
    if not asked:
        raise InputError(f"{what} is an empty list; give the ids of the pieces.")
    ids = [
        whole_number(one, f"{what}[{n}]", least=None, most=None, wanted="the id of a token")
        for n, one in enumerate(asked)
    ]
    for number in ids:
        if not 0 <= number < vocabulary:
            raise InputError(
                f"{what} id {number} is out of range; the model has tokens 0 to {vocabulary - 1}."
            )
    return tuple(ids)


def _own_words(call: ModelCall, first: Tensor, index: int, generate: Any) -> tuple[int, ...]:
    """The pieces that the model itself goes on with, always the one with the largest logit."""
    count = whole_number(generate, "generate", most=_MOST, wanted="a number of pieces")
    ends = _ends(call)
    found: list[int] = []
    logits = first
    while len(found) < count:
        number = int(logits.argmax())
        if number in ends:
            break
        found.append(number)
        if len(found) < count:
            _, output = call_with_text(call.model, replace(call.source, answer=tuple(found)))
            logits = cast(Tensor, logits_of(output))[0, index + len(found)]
    if not found:
        raise InputError(
            "generate= was given, and the model ends the text at once instead of going on; ask for the sign "
            "of the end as target=, or for other words."
        )
    return tuple(found)


def _ends(call: ModelCall) -> set[int]:
    """Ids with which a model ends its answer."""
    found: set[int] = set()
    for source in (getattr(call.model, "generation_config", None), call.config, call.source.tokenizer):
        ids = getattr(source, "eos_token_id", None)
        found.update(ids if isinstance(ids, (list, tuple)) else () if ids is None else (ids,))
    return found


def written(pieces: Pieces, ids: Sequence[int]) -> str:
    """Some pieces as people read them.

    Args:
        pieces: of the tokenizer.
        ids: the pieces.
    """
    text = b"".join(map(pieces.data, ids)).decode("utf-8", "replace")
    return shortened(visible(text.strip() or text), _SHOWN)
