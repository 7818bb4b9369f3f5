"""Greater-than: which years can a span end in, after Hanna, Liu and Variengien (2023, arXiv 2305.00586).

    The siege began in the year 1732 and ended in the year 17[MASK].      33 to 99, not 00 to 32

The sentences are of our own making; centuries, years and the counterfactual are those of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.checks import truth, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.tasks.drawing import random_numbers
from semiring_widgets.tasks.prompts import MASK, Prompt, words_of

__all__ = ["YearSpan", "greater_than"]

_TEMPLATES = {
    "began": "The {event} began in the year {start} and ended in the year {end}.",
    "started": "The {event} that started in the year {start} was over in the year {end}.",
    "from": "From the year {start} the {event} continued to the year {end}.",
}
_EVENTS = words_of(
    "alliance blockade boycott campaign crusade debate drought epidemic exhibition expedition "
    "famine feud festival friendship inquiry journey lawsuit migration mission mutiny "
    "occupation project quarrel rebellion reform regency rivalry siege strike tournament trial "
    "truce uprising voyage war dispute"
)
_ENDINGS = tuple(f"{year:02d}" for year in range(100))
_CENTURIES = range(11, 18)
# At least one two-digit year lies above, and 01 is left for the counterfactual.
_YEARS = range(2, 99)
_EARLIEST = 1


@dataclass(frozen=True)
class YearSpan(Prompt):
    """A sentence about a span of years, with the last two digits of its end left out.

    ``target`` is one of the right endings and ``contrast`` one of the wrong ones, both at random. The
    published score takes all: the summed probability of ``right`` minus that of ``wrong``.

    Attributes:
        century: the first two digits.
        start: the last two digits of the year in which the span begins.
        right: two digits each, later than the start.
        wrong: the others, the start itself included.
    """

    century: int = 0
    start: int = 0
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def greater_than(n: int = 1000, seed: int = 0, *, joined: bool = True) -> list[YearSpan]:
    """Different sentences about spans of years; the same seed gives the same ones on every machine.

    The counterfactual begins in year 01 of the century, after which every ending is right.

    Args:
        n: how many.
        seed: a whole number.
        joined: whether years are written as one word, 1732, which GPT-2 reads as 17 and 32 (some few years,
            such as 1700 or 1800, it knows as one token). False writes 17 32, for models that split at blanks.

    Raises:
        InputError: an argument cannot be used, or there are not so many different sentences.

    >>> span = greater_than(1)[0]
    >>> span.prefix, span.right[0], span.wrong[-1]
    ('From the year 1560 the voyage continued to the year 15', '61', '60')
    >>> span.counterfactual_prefix
    'From the year 1501 the voyage continued to the year 15'
    """
    n = whole_number(n, "n")
    gap = "" if truth(joined, "joined") else " "
    most = len(_TEMPLATES) * len(_EVENTS) * len(_CENTURIES) * len(_YEARS)
    if n > most:
        raise InputError(f"n is {n:,}; there are {most:,} different sentences, give no more than that.")
    generator = random_numbers(seed)
    spans = []
    # Each number stands for one sentence, so none comes twice.
    for number in generator.permutation(most)[:n].tolist():
        number, kind = divmod(number, len(_TEMPLATES))
        number, event = divmod(number, len(_EVENTS))
        year, century = divmod(number, len(_CENTURIES))
        spans.append(
            _span(
                list(_TEMPLATES)[kind],
                _EVENTS[event],
                _CENTURIES[century],
                _YEARS[year],
                gap,
                generator.random(2).tolist(),
            )
        )
    return spans


def _span(kind: str, event: str, century: int, start: int, gap: str, chances: list[float]) -> YearSpan:
    right, wrong = _ENDINGS[start + 1 :], _ENDINGS[: start + 1]

    def sentence(year: int) -> str:
        begin, end = f"{century}{gap}{year:02d}", f"{century}{gap}{MASK}"
        return _TEMPLATES[kind].format(event=event, start=begin, end=end)

    return YearSpan(
        kind=kind,
        text=sentence(start),
        target=right[int(chances[0] * len(right))],
        contrast=wrong[int(chances[1] * len(wrong))],
        counterfactual=sentence(_EARLIEST),
        century=century,
        start=start,
        right=right,
        wrong=wrong,
    )
