"""Tasks with known answers: what a model is trained on and asked, so that an explanation can be checked.

Four sorts, all seeded (PCG64) and the same on every machine; this room needs numpy alone.

**Sequences with labels**: the synthetic tasks of Du et al. (2023, arXiv 2307.03056; their code is at
https://github.com/kdu4108/semiring-backprop-exps). The data are drawn anew from the published description.

    >>> from semiring_widgets import tasks
    >>> inputs, labels = tasks.first_token_repeated_once(n=1000, length=10, vocabulary=20, seed=0)
    >>> inputs.shape, int(labels.sum())
    ((1000, 10), 500)
    >>> train, validation, test = tasks.task("AdjacentDuplicate", length=36, vocabulary=60).split(360, 36, 36)
    >>> len(tasks.names())
    11

**Texts with a word left out**: `agreement_pairs` (subject and verb), `greater_than` (spans of years) and
`indirect_object` (who is given something), each with a counterfactual text of as many words, and
`read_blimp` for files of BLiMP. All are `Prompt` records, for masked and causal models.

    >>> pair = tasks.agreement_pairs(n=100, attractors=1)[0]
    >>> pair.text, pair.target, pair.contrast
    ('The actress behind the mountains [MASK] there.', 'was', 'were')

**Pictures**: `shape_scenes`, where the shape of the red one is the class.

**Difficulty**: `prequential_code_length` and `mdl_as_published`, from losses.

Public: `semiring_widgets.tasks`.
"""

from semiring_widgets.tasks.agreement_grammar import AGREEMENT_KINDS, AgreementPair, agreement_pairs
from semiring_widgets.tasks.blimp import read_blimp
from semiring_widgets.tasks.code_length import block_sizes, mdl_as_published, prequential_code_length
from semiring_widgets.tasks.generators import (
    adjacent_duplicate,
    bin_count_ones,
    contains1,
    contains1_first_token,
    contains_token_set,
    contains_token_set_ood,
    ffoom,
    first_token_repeated_immediately,
    first_token_repeated_last,
    first_token_repeated_once,
    first_token_repeated_once_immediately,
)
from semiring_widgets.tasks.giving import Giving, indirect_object
from semiring_widgets.tasks.prompts import MASK, Prompt
from semiring_widgets.tasks.registry import generate, names, task
from semiring_widgets.tasks.sequences import Examples, Split, Task
from semiring_widgets.tasks.shapes import (
    DECIDING_COLOUR,
    SHAPE_COLOURS,
    SHAPES,
    PicturedShape,
    ShapeScene,
    shape_scenes,
)
from semiring_widgets.tasks.years import YearSpan, greater_than

__all__ = [
    "AGREEMENT_KINDS",
    "DECIDING_COLOUR",
    "MASK",
    "SHAPES",
    "SHAPE_COLOURS",
    "AgreementPair",
    "Examples",
    "Giving",
    "PicturedShape",
    "Prompt",
    "ShapeScene",
    "Split",
    "Task",
    "YearSpan",
    "adjacent_duplicate",
    "agreement_pairs",
    "bin_count_ones",
    "block_sizes",
    "contains1",
    "contains1_first_token",
    "contains_token_set",
    "contains_token_set_ood",
    "ffoom",
    "first_token_repeated_immediately",
    "first_token_repeated_last",
    "first_token_repeated_once",
    "first_token_repeated_once_immediately",
    "generate",
    "greater_than",
    "indirect_object",
    "mdl_as_published",
    "names",
    "prequential_code_length",
    "read_blimp",
    "shape_scenes",
    "task",
]
