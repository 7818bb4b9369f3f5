"""A corpus in words, for terminals and screen readers."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import numpy as np

from semiring_widgets.overview.aggregates import Aggregates, largest
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.results.wording import number, percent, signed

__all__ = ["asked_in_words", "found_in_words", "plain_corpus"]

_SHOWN = 5


def asked_in_words(numbers: CorpusNumbers) -> str:
    """What was asked of which model.

    Args:
        numbers: of the corpus.
    """
    asked = numbers.manifest["asked"]
    told = [
        _model(asked["name"]) or asked["model"],
        f"granularity {asked['granularity']}",
        f"rules {asked['rules']}",
    ]
    if asked["reference"] is not None:
        told.append(f"reference {asked['reference']}")
    return ", ".join(told)


def found_in_words(numbers: CorpusNumbers, whole: Aggregates) -> list[str]:
    """What was found, in at most two sentences: how often the model is right, and which part does most.

    Args:
        numbers: of the corpus.
        whole: of all its texts.
    """
    return [said for said in (_preferred(numbers, whole), _first(numbers, whole)) if said]


def _preferred(numbers: CorpusNumbers, whole: Aggregates) -> str:
    known = numbers.right[np.isfinite(numbers.right)]
    if not len(known):
        return ""
    said = f"The target is preferred in {percent(float(known.mean()))} of {len(known):,} texts"
    rights = [
        (right, name)
        for right, name in zip(whole.right.tolist(), numbers.groups, strict=True)
        if np.isfinite(right)
    ]
    # Of groups that are the right and the wrong ones it would say nothing.
    if numbers.by == "right" or len(rights) < 2 or max(rights)[0] == min(rights)[0]:
        return f"{said}."
    (low, worst), (high, best) = min(rights), max(rights)
    return f"{said}: from {percent(low)} of “{worst}” to {percent(high)} of “{best}”."


def _first(numbers: CorpusNumbers, whole: Aggregates) -> str:
    """The head or feed-forward part with the largest mean, and whether it is told from the next."""
    order = largest(numbers, whole)
    if not order:
        return ""
    first, apart = order[0]
    name = numbers.parts[first].name
    interval = f"{signed(whole.part_low[first])} to {signed(whole.part_high[first])}"
    known = f", 95 % interval {interval}" if np.isfinite(whole.part_low[first]) else ""
    of = f"(mean {numbers.of} {signed(whole.part_mean[first])}{known})"
    said = f"Of heads and MLPs, {name} does most {of}"
    if len(order) == 1:
        return f"{said}."
    other = numbers.parts[order[1][0]].name
    return f"{said}; {other} comes next." if apart else f"{said}, and {other} may do as much."


def _model(name: str) -> str:
    """A model's name; of a folder the last part, as where it lies is no news to others."""
    if (
        PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).is_absolute()
        or name.startswith((".", "~"))
    ):
        return PureWindowsPath(name).name
    return name


def plain_corpus(numbers: CorpusNumbers, whole: Aggregates) -> str:
    """The corpus in some lines.

    Args:
        numbers: of the corpus.
        whole: of all its texts.
    """
    lines = [f"Corpus {numbers.path.name}: {len(numbers):,} texts explained, {numbers.errors:,} not."]
    lines += found_in_words(numbers, whole)
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
