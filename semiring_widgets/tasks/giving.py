"""Indirect object identification: who is given something, after Wang et al. (2023, arXiv 2211.00593).

    After Mary and John left the library, John handed the plate to [MASK].      Mary, not John

The sentences are of our own making; the orders of the names and the counterfactual are those of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.checks import whole_number
from semiring_widgets.tasks.drawing import random_numbers
from semiring_widgets.tasks.prompts import MASK, Prompt, words_of

__all__ = ["Giving", "indirect_object"]

_TEMPLATES = (
    "After {} and {} left the {place}, {} handed the {thing} to {}.",
    "When {} and {} met at the {place}, {} passed the {thing} to {}.",
    "While {} and {} waited near the {place}, {} showed the {thing} to {}.",
    "Because {} and {} worked at the {place}, {} sold the {thing} to {}.",
    "Before {} and {} reached the {place}, {} offered the {thing} to {}.",
)
_PLACES = words_of("bank gate hospital house lake library museum restaurant river school")
_THINGS = words_of(
    "apple bicycle book box cake candle computer cup dress glass hat jacket plate painting picture"
)
_NAMES = words_of(
    "Adam Alan Alice Amy Andrew Angela Anna Barbara Benjamin Brian Carol Catherine Charles Claire "
    "Daniel David Diana Edward Ellen Emily Eric Frank George Helen James Jane Jason Jennifer John "
    "Julia Karen Kevin Laura Linda Lisa Margaret Maria Mark Martin Mary Michael Nancy Nicole Patrick "
    "Paul Peter Rachel Richard Robert Ruth Sarah Scott Stephen Steven Susan Thomas Victoria Walter "
    "William"
)
_ORDERS = ("ABBA", "BABA")


@dataclass(frozen=True)
class Giving(Prompt):
    """A sentence with two names, one of which comes twice; the other one is given something.

    The kind is the order of the names, ``"ABBA"`` or ``"BABA"``, where A is the target and B the contrast.
    Places are those of `words`, from 0 on.

    Attributes:
        indirect_object: place of the name that comes once.
        subjects: places of the name that comes twice.
    """

    indirect_object: int = -1
    subjects: tuple[int, int] = (-1, -1)


def indirect_object(n: int = 1000, seed: int = 0) -> list[Giving]:
    """Different sentences about giving; the same seed gives the same ones on every machine.

    The two orders take turns. The counterfactual has three other names, each once, so that nothing tells who
    is given something (ABC in the paper).

    Args:
        n: how many.
        seed: a whole number.

    Raises:
        InputError: an argument cannot be used.

    >>> giving = indirect_object(1)[0]
    >>> giving.text, giving.target, giving.contrast
    ('Before Diana and Jennifer reached the museum, Jennifer offered the cup to [MASK].', 'Diana', 'Jennifer')
    >>> giving.counterfactual
    'Before Eric and Benjamin reached the museum, Nicole offered the cup to [MASK].'
    """
    n = whole_number(n, "n", most=_MOST)
    generator = random_numbers(seed)
    seen: set[str] = set()
    found: list[Giving] = []
    while len(found) < n:
        template, place, thing = (
            options[int(generator.integers(len(options)))] for options in (_TEMPLATES, _PLACES, _THINGS)
        )
        names = [_NAMES[number] for number in generator.permutation(len(_NAMES))[:5]]
        giving = _giving(template, place, thing, names, _ORDERS[len(found) % 2])
        if giving.text not in seen:
            seen.add(giving.text)
            found.append(giving)
    return found


# A tenth of all sentences: up to there, few are drawn twice.
_MOST = len(_TEMPLATES) * len(_PLACES) * len(_THINGS) * len(_NAMES) * (len(_NAMES) - 1) // 10


def _giving(template: str, place: str, thing: str, names: list[str], order: str) -> Giving:
    target, contrast, *others = names
    first, second = (target, contrast) if order == "ABBA" else (contrast, target)
    text = template.format(first, second, contrast, MASK, place=place, thing=thing)
    words = text.split()
    # The two names stand around the first "and".
    middle = words.index("and")
    again = words.index(contrast, middle + 2)
    return Giving(
        kind=order,
        text=text,
        target=target,
        contrast=contrast,
        counterfactual=template.format(*others, MASK, place=place, thing=thing),
        indirect_object=middle + (-1 if order == "ABBA" else 1),
        subjects=(middle + (1 if order == "ABBA" else -1), again),
    )
