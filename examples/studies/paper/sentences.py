"""Agreement pairs as batches of token ids: sentences of one length together, so that nothing is padded."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.tasks import AgreementPair

_BLIMP = Path(__file__).parents[1] / "data" / "blimp_agreement.tsv"


@cache
def blimp_pairs() -> tuple[AgreementPair, ...]:
    """The 4,800 agreement pairs of BLiMP, in the order of its files."""
    with _BLIMP.open(encoding="utf-8", newline="") as file:
        return tuple(_pair(row) for row in csv.DictReader(file, delimiter="\t"))


def _pair(row: dict[str, str]) -> AgreementPair:
    nouns, attractors = (tuple(map(int, row[name].split())) for name in ("nouns", "attractors"))
    known = bool(row["subject"])
    return AgreementPair(
        kind=row["kind"],
        text=row["text"],
        target=row["target"],
        contrast=row["contrast"],
        number=row["number"] or None,
        subject=int(row["subject"]) if known else None,
        nouns=nouns if known else None,
        attractors=attractors if known else None,
    )


@dataclass(frozen=True)
class Batch:
    """Sentences with the same number of tokens.

    Attributes:
        numbers: which sentences of the list these are, shape (B,).
        ids: of their tokens, shape (B, T).
        asked: where the mask is, shape (B,).
        good: id of the right word, shape (B,).
        bad: of the wrong one, shape (B,).
        groups: ``"all"``, ``"subject"``, ``"attractor"`` and ``"mask"``: which tokens are such, shape (B, T).
    """

    numbers: Tensor
    ids: Tensor
    asked: Tensor
    good: Tensor
    bad: Tensor
    groups: dict[str, Tensor]

    def score(self, logits: Tensor) -> Tensor:
        """logit(right) - logit(wrong) at the mask, shape (B,); of logits (B, T, words)."""
        rows = torch.arange(len(self.asked))
        at_mask = logits[rows, self.asked]
        return at_mask[rows, self.good] - at_mask[rows, self.bad]


def batches(tokenizer: Any, pairs: Sequence[AgreementPair], size: int = 32) -> Iterator[Batch]:
    """All sentences, the shortest first; every word must be one token."""
    rows = [_encoded(tokenizer, pair) for pair in pairs]
    by_length: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        by_length.setdefault(len(row["ids"]), []).append(number)
    for _, numbers in sorted(by_length.items()):
        for start in range(0, len(numbers), size):
            some = numbers[start : start + size]
            columns = {name: torch.tensor([rows[number][name] for number in some]) for name in rows[some[0]]}
            groups = {name: columns.pop(name) for name in ("all", "subject", "attractor", "mask")}
            yield Batch(numbers=torch.tensor(some), groups=groups, **columns)


def _encoded(tokenizer: Any, pair: AgreementPair) -> dict[str, Any]:
    encoded = tokenizer(pair.masked(tokenizer.mask_token))
    ids = encoded["input_ids"]
    asked = ids.index(tokenizer.mask_token_id)
    good, bad = tokenizer.convert_tokens_to_ids([pair.target.lower(), pair.contrast.lower()])
    # No sign stands between the words before the mask, so word n is token n + 1.
    subject, attractors = pair.subject, pair.attractors or ()
    places = range(-1, len(ids) - 1)
    return {
        "ids": ids,
        "asked": asked,
        "good": good,
        "bad": bad,
        "all": [True] * len(ids),
        "subject": [place == subject for place in places],
        "attractor": [place in attractors for place in places],
        "mask": [place + 1 == asked for place in places],
    }


def right(model: Any, batch: Batch) -> Tensor:
    """Which sentences the model gets right, shape (B,)."""
    with torch.no_grad():
        return batch.score(model(input_ids=batch.ids).logits) > 0


def drawn(pairs: Sequence[AgreementPair], n: int, seed: int = 0) -> list[AgreementPair]:
    """A seeded sample of sentences, all if there are no more."""
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed))
    return [pairs[number] for number in sorted(order[:n].tolist())]


def known(tokenizer: Any) -> list[AgreementPair]:
    """BLiMP's pairs whose words are one token each, which are all of them for the embedded model."""
    vocabulary = tokenizer.get_vocab()
    return [
        pair
        for pair in blimp_pairs()
        if not any(piece.startswith("##") for piece in tokenizer.tokenize(pair.text))
        and {pair.target.lower(), pair.contrast.lower()} <= vocabulary.keys()
    ]
