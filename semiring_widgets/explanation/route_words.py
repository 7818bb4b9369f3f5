"""Routes as a person would tell them: who writes what where, and who carries it on."""

from __future__ import annotations

from collections.abc import Sequence

from semiring_widgets.explanation.names import Names, head_name
from semiring_widgets.results.rankings import ListedStep
from semiring_widgets.results.visible import shortened, visible

__all__ = ["in_words", "quoted"]

_WORD = 30  # characters


def in_words(names: Names, steps: Sequence[ListedStep], place: str | None = None) -> str:
    """A route in one sentence.

    A step by *value* moves what a token says to another token. By *key* a token is looked at for what it
    says, and by *query* it decides where a head looks from there.

    Args:
        names: of tokens and heads.
        steps: those by attention, at least one.
        place: what the last token is called, such as "the blank"; None for its name.

    Example:
        >>> from semiring_widgets.explanation.names import Names
        >>> steps = [ListedStep(0, "value", 3, 2, 1), ListedStep(3, "value", 3, 1, 6)]
        >>> in_words(Names(e.streams, e.layers), steps, "the blank")
        'Head 0·3 writes *keys* onto *The*; head 3·3 carries it to the blank.'
        >>> in_words(Names(e.streams, e.layers), [ListedStep(3, "key", 2, 7, 6)])
        'Head 3·2 looks at *on* from *[MASK]* because of what *on* says.'
    """
    told = []
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        target = place if last and place is not None else quoted(names.target(step))
        told.append(_step(names, step, target, first=number == 0))
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def quoted(word: str) -> str:
    r"""A word set apart in a sentence: between stars, of which it has none itself, and not too long.

    >>> quoted("keys"), quoted("*"), quoted("\n")
    ('*keys*', '*∗*', '*⏎*')
    """
    return f"*{shortened(visible(word), _WORD).replace('*', '∗')}*"


def _step(names: Names, step: ListedStep, target: str, *, first: bool) -> str:
    head, source = head_name(step.layer, step.head), quoted(names.source(step))
    what = source if first else "it"
    stays = names.source(step) == names.target(step)
    if step.branch == "key":
        because = f"because of what {source} says" if first else "because of it"
        return f"{head} looks at {source} from {target} {because}"
    if step.branch == "query":
        because = f"what {source} says decides" if first else "it decides"
        return f"{because} where {head} looks from {target}"
    if stays:
        return f"{head} passes {what} on in its own place"
    if not first:
        return f"{head} carries it to {target}"
    return (
        f"{head} writes {what} onto {target}"
        if step.branch == "value"
        else f"{head} moves {what} to {target}"
    )
