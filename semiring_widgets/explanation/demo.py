"""The embedded model: a small BERT for English subject-verb agreement, loaded without any network.

Its script, its grammar and its accuracy are in ``examples/train_embedded_model`` of the repository.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["DEMO_CONTRAST", "DEMO_TARGET", "DEMO_TEXT", "load_demo", "without_progress_bar"]

DEMO_TEXT = "The keys to the cabinet [MASK] on the table."
DEMO_TARGET, DEMO_CONTRAST = "are", "is"

_HOME = Path(__file__).with_name("embedded_model")


def load_demo() -> tuple[Any, Any]:
    """The embedded masked language model and its tokenizer.

    Returns:
        ``(BertForMaskedLM in eval mode, fast tokenizer)``, both of the transformers library. Whole words
        of its grammar are one token; other words are spelled in letters.

    Example:
        >>> model, tokenizer = load_demo()
        >>> type(model).__name__, model.config.num_hidden_layers
        ('BertForMaskedLM', 4)
        >>> tokenizer.tokenize("The keys are here.")
        ['the', 'keys', 'are', 'here', '.']
    """
    from transformers import BertForMaskedLM, PreTrainedTokenizerFast

    with without_progress_bar():
        model = BertForMaskedLM.from_pretrained(_HOME, local_files_only=True)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(_HOME, local_files_only=True)


@contextmanager
def without_progress_bar() -> Iterator[None]:
    """Load something small; a progress bar for it would be noise."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
