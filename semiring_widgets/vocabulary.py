"""The words that arguments, tables, files and messages share, each list of them once.

Core and results read them here, too, so this file lies below all floors.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BEST_OF",
    "BRANCHES",
    "CARRIED",
    "COUNTED",
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
    "STAND_INS",
    "STATES",
]

# Which graph is counted: from scalar operators to the steps of the paper.
COUNTED: Final = {
    "primitive": "composite operators are expanded to arithmetic",
    "operator": "each operator is one step",
    "paper": "the steps of Du et al. (2023)",
}
GRANULARITIES: Final = tuple(COUNTED)
# Which number an edge carries; `semiring_widgets.rules` says what each is.
CARRIED: Final = {
    "gradient": "the local derivative",
    "linear": "the slope with softmax weights and norms held constant",
    "secant": "the finite difference to the reference",
    "lrp": "the relevance rule of AttnLRP",
    "gim": "the slope with gradient interaction modifications",
}
RULES: Final = tuple(CARRIED)
# Of what a maximum is the best: of scalar paths, or of branches as in the published figures.
BEST_OF: Final = {
    "unit": "the best of all scalar paths",
    "branch": "the best of branches, as in published figures",
}
LEVELS: Final = tuple(BEST_OF)
# References that a word names.
STAND_INS: Final = {
    "mask": "the mask token",
    "mean": "the mean of the text's tokens",
    "zero": "zeros",
}
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
