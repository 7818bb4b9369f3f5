"""The two tables of a corpus run, column by column; the third holds the rows that could not be asked.

The version counts up when a column goes or changes its meaning; new ones may come within one. Version 2 tells
punctuation and pieces of words from words, and has the flow between classes of tokens. Version 1 is read too:
its ``token_class`` calls all of these "word", and the classes of sources and targets are missing.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ERRORS", "EXAMPLES", "PARTS", "READABLE", "SCHEMA_VERSION", "TABLES"]

SCHEMA_VERSION: Final = 2
# Versions whose tables are read.
READABLE: Final = (1, 2)
# By table and column, the type (of Arrow) and what it is.
EXAMPLES: Final = {
    "row": ("int64", "place of the row in the corpus, from 0"),
    "id": ("string", "what its owner calls it"),
    "group": ("string", "what rows are compared by; missing where nothing was said"),
    "text": ("string", "the text; of a pair, both with a line break between"),
    "row_digest": ("string", "hash of everything that the row says"),
    "tokens": ("int32", "number of tokens of the text"),
    "target": ("string", "token asked for"),
    "contrast": ("string", "token whose logit is subtracted; missing where there is none"),
    "position": ("int32", "token whose logits are read; missing where there is none"),
    "label": ("string", "the score in words"),
    "score": ("float64", "what was explained"),
    "right": ("bool", "whether the target is preferred to the contrast; missing without one"),
    "reference": ("string", "what the text is compared with, in words"),
    "reference_score": ("float64", "the score of the whole reference"),
    "log_mass": ("float64", "log of the sum of |weight| over all paths (nats)"),
    "entropy": ("float64", "of p(path) ~ |weight| (nats)"),
    "best_log_weight": ("float64", "log |weight| of the best single path (nats)"),
    "best_path": ("string", "that path by tokens and heads"),
    "top_token": ("int32", "token with the largest |effect| (|contribution| where none was tested)"),
    "top_token_text": ("string", "that token"),
    "top_token_effect": ("float64", "its effect; missing where none was tested"),
}
PARTS: Final = {
    "row": ("int64", "as in examples"),
    "id": ("string", "as in examples"),
    "kind": (
        "string",
        "token, head, mlp: replaced as a whole; branch: flow at a token; class: between classes; edge",
    ),
    "stream": (
        "int32",
        "which input a token is of, or a head or mlp writes to; a decoder's is 1",
    ),
    "layer": ("int32", "of attention, from 0"),
    "head": ("int32", "of the layer, from 0"),
    "branch": (
        "string",
        "by what paths go: query, key or value of a head or layer; skip, mlp, mlp_skip",
    ),
    "source": ("string", "component that an edge leaves: input, a0.h3 for a head, m0 for an mlp"),
    "target": ("string", "component that it enters; the score is logits; layer and head are its own"),
    "token": ("int32", "from 0; of keys and values the one that is read, of all others the one that reads"),
    "token_text": ("string", "that token"),
    "token_class": (
        "string",
        "asked, answer, special, punctuation, piece, word, or the corpus's own",
    ),
    "source_class": ("string", "of kind class, the class of the tokens that the head reads (its keys)"),
    "target_class": ("string", "and of those that read (its queries)"),
    "effect": ("float64", "score before minus score after the part is given its value under the reference"),
    "contribution": ("float64", "the estimate of the effect to first order"),
    "mass_share": ("float64", "share of the mass of all paths that passes (0-1)"),
    "best_share": ("float64", "best path through it relative to the best of all (0-1)"),
    "paths_contribution": ("float64", "signed sum of the paths through it, times input minus reference"),
    "cancellation": ("float64", "|that sum| relative to the sum of the absolute values (0-1)"),
}
ERRORS: Final = {
    "row": ("int64", "as in examples"),
    "id": ("string", "as in examples"),
    "text": ("string", "the text, if there was one"),
    "error": ("string", "class of the error"),
    "reason": ("string", "why it was not asked, a sentence"),
}
TABLES: Final = {"examples": EXAMPLES, "parts": PARTS, "errors": ERRORS}
