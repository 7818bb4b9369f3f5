"""What the fields of messages hold beside plain types: words of a list, columns, selections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from semiring_widgets.contract.message_kinds import Words
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Correlation, Part, Reference, Sentence, Status
from semiring_widgets.results.rankings import ListedStep, Ranking
from semiring_widgets.vocabulary import (
    BRANCHES,
    KINDS,
    PART_KINDS,
    RANKINGS,
    REFERENCES,
    REPLACEMENTS,
    SENTENCES,
    STATES,
)

__all__ = ["GIVEN", "KIND", "RANKED_BY", "WORDS_OF_FACTS", "Column", "Selection"]

_BRANCH = Words("Branch", BRANCHES)
KIND = Words("Kind", KINDS)
RANKED_BY = Words("RankedBy", RANKINGS, "ranking by")
GIVEN = Words("Replacement", REPLACEMENTS, "replacement")
_COLUMN_TYPE = Words("ColumnType", ("float32", "uint8"))
# Fields of results that are texts there.
WORDS_OF_FACTS: Final[Mapping[tuple[type, str], Words]] = {
    (Part, "branch"): _BRANCH,
    (Ranking, "by"): RANKED_BY,
    (Reference, "kind"): Words("ReferenceKind", REFERENCES),
    (Sentence, "kind"): Words("SentenceKind", SENTENCES),
    (Correlation, "kind"): Words("PartKind", PART_KINDS),
    (Test, "by"): GIVEN,
    (ListedStep, "branch"): Words("StepBranch", (*BRANCHES, "attention")),
    (Status, "state"): Words("RunState", STATES),
}


Selection: TypeAlias = tuple[Part, ...]
"""The paths through all of some parts; without any, all paths."""


@dataclass(frozen=True)
class Column:
    """Where the buffer of a message holds an array, little endian.

    Attributes:
        offset: its first byte.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Annotated[str, _COLUMN_TYPE]
    offset: int
    nbytes: int
