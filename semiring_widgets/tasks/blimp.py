"""Pairs of sentences from files in the format of BLiMP (Warstadt et al. 2020, arXiv 1912.00582).

The files are not part of this package; they are at https://github.com/alexwarstadt/blimp under CC BY 4.0.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from semiring_widgets.errors import InputError
from semiring_widgets.tasks.agreement_grammar import AgreementPair
from semiring_widgets.tasks.prompts import MASK

__all__ = ["read_blimp"]


def read_blimp(path: str | PathLike[str]) -> list[AgreementPair]:
    """The pairs of one file, in its order; the word that differs is the asked one.

    In ``*_agreement_1`` and ``distractor_*`` files that is the verb, in ``*_agreement_2`` files the subject.
    The kind is the file's ``UID``. BLiMP does not say which word is the subject or an attractor, so these are
    None, as are the number and the counterfactual.

    Args:
        path: a ``.jsonl`` file with ``sentence_good`` and ``sentence_bad`` on each line.

    Raises:
        InputError: there is no such file, a line is no pair, or its sentences differ in more than one word.
    """
    file = Path(path)
    try:
        # `splitlines` would also split at signs that may stand within a sentence.
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read ({error}); give a .jsonl file of BLiMP.") from error
    return [_pair(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _pair(line: str, where: str) -> AgreementPair:
    good, bad, kind = (_field(line, name, where) for name in ("sentence_good", "sentence_bad", "UID"))
    words, others = good.split(" "), bad.split(" ")
    places = [
        number for number, (word, other) in enumerate(zip(words, others, strict=False)) if word != other
    ]
    if len(words) != len(others) or len(places) != 1:
        raise InputError(
            f"{where}: {good!r} and {bad!r} do not differ in one word, so none can be asked for; leave this "
            f"line out, or score whole sentences."
        )
    target, end = _bare(words[places[0]])
    contrast, other_end = _bare(others[places[0]])
    if end != other_end or not target or not contrast:
        raise InputError(f"{where}: {good!r} and {bad!r} differ in punctuation; leave this line out.")
    text = " ".join([*words[: places[0]], MASK + end, *words[places[0] + 1 :]])
    return AgreementPair(kind=kind, text=text, target=target, contrast=contrast)


def _field(line: str, name: str, where: str) -> str:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is no JSON ({error}); give a .jsonl file of BLiMP.") from error
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise InputError(f"{where} has no text {name!r}; give a .jsonl file of BLiMP.")
    return value


def _bare(word: str) -> tuple[str, str]:
    """A word and the punctuation that ends it."""
    bare = word.rstrip(".,;:!?")
    return bare, word[len(bare) :]
