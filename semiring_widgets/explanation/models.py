"""A model and its tokenizer by name: from the Hugging Face Hub, a local folder, or the embedded demo.

The architecture written in the model's configuration decides which head is loaded. A checkpoint without a
language-model head (a plain ``BertModel``) is loaded as it is; it is explained through ``score=``, because
it has no logits to ask for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from semiring_widgets.core.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["head_class", "load_model"]

# Suffix of the architecture -> the transformers class that loads it. ForPreTraining is BERT's and ELECTRA's
# pair of heads, of which the masked-language one is the one to ask.
_HEADS = (
    ("ForMaskedLM", "AutoModelForMaskedLM"),
    ("ForPreTraining", "AutoModelForMaskedLM"),
    ("ForCausalLM", "AutoModelForCausalLM"),
    ("LMHeadModel", "AutoModelForCausalLM"),
    ("ForSequenceClassification", "AutoModelForSequenceClassification"),
    ("ForTokenClassification", "AutoModelForTokenClassification"),
    ("ForQuestionAnswering", "AutoModelForQuestionAnswering"),
)


def load_model(name: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Load a model and its tokenizer, ready to be explained.

    Args:
        name: ``"demo"`` for the embedded model, a folder that ``save_pretrained`` wrote, or a name on the
            Hugging Face Hub such as ``"bert-base-uncased"``. Code that comes with a model is never run.

    Returns:
        The model in eval mode, and the tokenizer (a fast one where there is one: it knows which characters
        a token stands for).

    Raises:
        InputError: nothing of that name, no connection, or files that do not fit together.

    Example::

        model, tokenizer = sw.load_model("distilbert-base-uncased")
    """
    if not isinstance(name, (str, os.PathLike)):
        raise InputError(f"name is {shown(name)}; give 'demo', a folder, or a name on the Hugging Face Hub.")
    if name == "demo":
        from semiring_widgets.explanation.demo import load_demo

        demo: tuple[Any, Any] = load_demo()
        return demo
    source = _source(name)
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(source)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        loader = getattr(transformers, head_class(config))
        model = loader.from_pretrained(source)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise InputError(_sentence(source, error)) from error
    return model.eval(), tokenizer


def head_class(config: Any) -> str:
    """Name of the transformers class that loads a checkpoint with its head.

    Args:
        config: the model's configuration (``architectures`` and ``is_encoder_decoder`` are read).
    """
    architecture = next(iter(getattr(config, "architectures", None) or ()), "")
    if architecture.endswith("ForConditionalGeneration") and getattr(config, "is_encoder_decoder", False):
        return "AutoModelForSeq2SeqLM"
    for suffix, loader in _HEADS:
        if architecture.endswith(suffix):
            # BERT as a decoder is saved as BertLMHeadModel, BART with its LM head as BartForCausalLM.
            return loader
    return "AutoModel"


def _source(name: str | os.PathLike[str]) -> str:
    """The name as transformers wants it; refuses what can only be a mistyped folder."""
    text = os.fspath(name)
    if not text:
        raise InputError(
            "The model's name is empty; give 'demo', a folder, or a name on the Hugging Face Hub."
        )
    path = Path(text).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(
                f"The folder {text!r} holds no config.json; give a folder that save_pretrained wrote."
            )
        return str(path)
    if path.is_absolute() or text.startswith((".", "~")) or text.count("/") > 1:
        raise InputError(
            f"There is no folder {text!r}; give 'demo', a folder, or a name on the Hugging Face Hub."
        )
    return text


def _sentence(source: str, error: Exception) -> str:
    said = " ".join(str(error).split())
    if "connect" in said or "offline" in said.lower():
        return (
            f"The model {source!r} is not on this machine and the Hugging Face Hub cannot be reached; give "
            "'demo' or a folder, or connect once to download it."
        )
    if "not a valid model identifier" in said or "not a local folder" in said:
        return (
            f"There is no model {source!r} on the Hugging Face Hub (or it is private); give 'demo', "
            "a folder, or another name."
        )
    return f"The model {source!r} could not be loaded: {said[:300]}"
