"""A corpus in words, for terminals and screen readers."""

from __future__ import annotations

import numpy as np

from semiring_widgets.overview.aggregates import Aggregates
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.results.wording import number, percent, signed

__all__ = ["asked_in_words", "plain_corpus"]

_SHOWN = 5


def asked_in_words(numbers: CorpusNumbers) -> str:
    """What was asked of which model.

    Args:
        numbers: of the corpus.
    """
    asked = numbers.manifest["asked"]
    told = [asked["name"] or asked["model"], f"granularity {asked['granularity']}", f"rules {asked['rules']}"]
    if asked["reference"] is not None:
        told.append(f"reference {asked['reference']}")
    return ", ".join(told)


def plain_corpus(numbers: CorpusNumbers, whole: Aggregates) -> str:
    """The corpus in some lines.

    Args:
        numbers: of the corpus.
        whole: of all its texts.
    """
    lines = [f"Corpus {numbers.path.name}: {len(numbers):,} texts explained, {numbers.errors:,} not."]
    lines.append(asked_in_words(numbers))
    for place, group in enumerate(numbers.groups):
        told = [
            f"{name.replace('_', ' ')} {number(whole.mean[n, place])}"
            for n, name in enumerate(numbers.numbers)
        ]
        if np.isfinite(whole.right[place]):
            told.insert(0, f"target preferred {percent(whole.right[place])}")
        lines.append(f"{group}: {int(whole.count[place]):,} texts; means: {', '.join(told)}")
    for kind, title in (("head", "heads"), ("mlp", "MLPs")):
        own = [n for n, part in enumerate(numbers.parts) if part.kind == kind]
        own = sorted(own, key=lambda n: -abs(whole.part_mean[n]))[:_SHOWN]
        if own:
            lines.append(f"{title} by mean {numbers.of} (95 % interval over texts):")
        lines += [
            f"  {numbers.parts[n].name} {signed(whole.part_mean[n])} "
            f"[{signed(whole.part_low[n])}, {signed(whole.part_high[n])}]"
            for n in own
        ]
    return "\n".join(lines)
