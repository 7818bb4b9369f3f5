"""The words that arguments, tables, files and messages share, each list of them once.

Core and results read them here, too, so this file lies below all floors.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BRANCHES",
    "GRANULARITIES",
    "KINDS",
    "LEVELS",
    "METRICS",
    "OPERANDS",
    "PART_KINDS",
    "RANKED_BY",
    "RANKINGS",
    "REFERENCES",
    "REPLACEMENTS",
    "RULES",
    "SENTENCES",
    "STATES",
]

# Which graph is counted: from scalar operators to the steps of the paper.
GRANULARITIES: Final = ("primitive", "operator", "paper")
# Which number an edge carries; `semiring_widgets.rules` says what each is.
RULES: Final = ("gradient", "linear", "secant", "lrp", "gim")
# Of what a maximum is the best: of scalar paths, or of branches as in the published figures.
LEVELS: Final = ("unit", "branch")
# How an attribution method is held against tested effects; each is a field of `MethodResult`.
METRICS: Final = ("effect_correlation", "comprehensiveness", "sufficiency", "infidelity", "sensitivity")
# By what a path leaves a token at a layer.
BRANCHES: Final = ("skip", "query", "key", "value", "mlp", "mlp_skip")
# By what it enters a head.
KINDS: Final = ("query", "key", "value")
OPERANDS: Final = ("all", *KINDS)
# By what routes are ranked, and how that is said.
RANKED_BY: Final = {"contribution": "contribution", "best": "best path", "mass": "mass"}
RANKINGS: Final = tuple(RANKED_BY)
# How far a computation is.
STATES: Final = ("running", "done", "cancelled", "failed")
# What a text is compared with.
REFERENCES: Final = ("mask", "mean", "zero", "text", "tensor")
# What a part is given when it is tested.
REPLACEMENTS: Final = ("reference", "zero", "mean", "resample")
# Parts that are tested all together.
PART_KINDS: Final = ("tokens", "heads", "mlps")
# What the sentences of an answer tell.
SENTENCES: Final = ("score", "words", "route", "replaced", "remark")
