"""What must hold of the answer of an explanation, its reference and its tests; see `consistency`."""

from __future__ import annotations

from collections.abc import Sequence

from semiring_widgets.results.consistency import check_steps, check_streams, one_of, require
from semiring_widgets.results.groups import Group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Correlation, Layer, Part, Reference, Sentence, Stream
from semiring_widgets.vocabulary import BRANCHES, PART_KINDS, REFERENCES, REPLACEMENTS, SENTENCES

__all__ = ["check_correlations", "check_groups", "check_reference", "check_sentences", "check_tests"]


def check_reference(reference: Reference | None, streams: Sequence[Stream]) -> None:
    """Refuse an unknown kind, and an alignment with tokens that are not there.

    Args:
        reference: what the text was compared with.
        streams: the tokens of the text.
    """
    if reference is None:
        return
    one_of("reference.kind", reference.kind, REFERENCES)
    if not reference.streams:
        require(not reference.aligned, "the reference is aligned without having tokens")
        return
    check_streams(reference.streams)
    sizes = [len(stream.tokens) for stream in streams]
    counts = [len(row) for row in reference.aligned]
    require(counts == sizes and len(reference.streams) == len(sizes), "the reference has other streams")
    for stream, row in zip(reference.streams, reference.aligned, strict=True):
        for token in row:
            require(-1 <= token < len(stream.tokens), f"the reference has no token {token}")


def check_sentences(sentences: Sequence[Sentence], layers: Sequence[Layer], tokens: int) -> None:
    """Refuse sentences of an unknown kind, or about parts that are not there.

    Args:
        sentences: the answer.
        layers: the layers that there are.
        tokens: the length of the axis ``token``.
    """
    for number, sentence in enumerate(sentences):
        one_of(f"the kind of sentence {number}", sentence.kind, SENTENCES)
        for part in sentence.parts:
            _check_part(part, layers, tokens, f"sentence {number}")


def check_tests(tests: Sequence[Test], layers: Sequence[Layer], tokens: int) -> None:
    """Refuse tests of parts that are not there, or by an unknown replacement; as `check_sentences`."""
    for number, test in enumerate(tests):
        one_of(f"what test {number} gives", test.by, REPLACEMENTS)
        check_steps(test.steps, layers, tokens, f"test {number}")
        for part in test.parts:
            _check_part(part, layers, tokens, f"test {number}")


def check_groups(groups: Sequence[Group], layers: Sequence[Layer], tokens: int) -> None:
    """Refuse groups of parts that are not there, and two of one name; as `check_sentences`."""
    names = [group.name for group in groups]
    require(len(set(names)) == len(names), "two groups have the same name")
    for group in groups:
        require(bool(group.name.strip()), "a group has no name")
        for part in group.parts:
            _check_part(part, layers, tokens, f"the group {group.name!r}")


def check_correlations(correlations: Sequence[Correlation]) -> None:
    """Refuse an unknown kind of parts, and what is no correlation."""
    for one in correlations:
        one_of("the kind of a correlation", one.kind, PART_KINDS)
        require(not abs(one.rank_correlation) > 1 + 1e-6, f"the correlation of {one.kind} is above 1")


def _check_part(part: Part, layers: Sequence[Layer], tokens: int, place: str) -> None:
    layer, head, token = part.layer, part.head, part.token
    require(layer is None or 0 <= layer < len(layers), f"{place} is about a layer {layer}")
    require(part.branch is None or part.branch in BRANCHES, f"{place} is about a branch {part.branch!r}")
    heads = 0 if layer is None else layers[layer].heads
    require(head is None or 0 <= head < heads, f"{place} is about a head {head}")
    require(token is None or 0 <= token < tokens, f"{place} is about a token {token}")
    require(0 <= part.stream <= 1, f"{place} is about a stream {part.stream}")
