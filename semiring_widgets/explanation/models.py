"""A model and its tokenizer by name: from the Hugging Face Hub, a local folder, or the embedded demo.

The class written in the model's configuration is the one that is loaded, and all of its weights must be in
the checkpoint: a head that is not there would be filled with random numbers, and every load would answer
otherwise. A checkpoint without a head (a plain ``BertModel``) is loaded as it is; it is explained through
``score=``, because it has no logits to ask for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["head_class", "load_model"]

# Suffix of the architecture -> the class that loads it, for classes that transformers does not have.
_HEADS = (
    ("ForMaskedLM", "AutoModelForMaskedLM"),
    ("ForPreTraining", "AutoModelForPreTraining"),
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
        InputError: nothing of that name, no connection, or files that are missing or do not fit together.

    Example:
        >>> model.save_pretrained("here"), tokenizer.save_pretrained("here")  # doctest: +ELLIPSIS
        (None, ...)
        >>> again, words = load_model("here")  # or "bert-base-uncased", from the Hub
        >>> type(again).__name__, again.training
        ('BertForMaskedLM', False)
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
        # Weights of another size are to be named, which the error that they raise by themselves does not.
        # Half precision stays what it is: transformers 4 would make a copy of twice the size.
        model, report = loader.from_pretrained(
            source, output_loading_info=True, ignore_mismatched_sizes=True, torch_dtype="auto"
        )
    except MemoryError:
        raise
    except Exception as error:
        raise InputError(_sentence(source, error)) from error
    if report["missing_keys"] or report["mismatched_keys"]:
        raise InputError(_not_there(source, model, report))
    if _knows_no_word(tokenizer):
        raise InputError(
            f"There are no files of a tokenizer with the model {source!r}, and {type(tokenizer).__name__} "
            "without them knows no word. Save it beside the model by tokenizer.save_pretrained."
        )
    return model.eval(), tokenizer


def _knows_no_word(tokenizer: Any) -> bool:
    """Whether there is nothing but special tokens, which is what transformers makes of missing files."""
    if not getattr(tokenizer, "vocab_files_names", None):
        return False  # CANINE and ByT5 need no files.
    special = set(tokenizer.all_special_tokens)
    # T5's has a blank, too.
    return all(key in special or key == "▁" for key in tokenizer.get_vocab())


def head_class(config: Any) -> str:
    """Name of the transformers class that loads a checkpoint with its head.

    Args:
        config: the model's configuration (``architectures`` and ``is_encoder_decoder`` are read).
    """
    import transformers

    listed = getattr(config, "architectures", None) or ()
    first = listed if isinstance(listed, str) else next(iter(listed), "")
    architecture = first if isinstance(first, str) else ""
    known = getattr(transformers, architecture, None)
    # The configuration is a file that anyone may write: nothing but a model of its own kind is called.
    if (
        isinstance(known, type)
        and issubclass(known, transformers.PreTrainedModel)
        and isinstance(config, known.config_class or ())
    ):
        return architecture
    if architecture.endswith("ForConditionalGeneration"):
        pair = getattr(config, "is_encoder_decoder", False)
        return "AutoModelForSeq2SeqLM" if pair else "AutoModelForCausalLM"
    for suffix, loader in _HEADS:
        if architecture.endswith(suffix):
            return loader
    return "AutoModel"


def _not_there(source: str, model: Any, report: Any) -> str:
    """Why a checkpoint without all weights is refused."""

    def shown(keys: Any) -> str:
        first = sorted(keys)
        return ", ".join(first[:3]) + (f" and {len(first) - 3} more" if len(first) > 3 else "")

    name = type(model).__name__
    others, missing = report["unexpected_keys"], report["missing_keys"]
    if missing:
        lack = f"lacks weights of {name}, the class that its config.json asks for: {shown(missing)}"
    else:
        # Each is (name, shape in the checkpoint, shape in the model).
        sizes = [f"{key} {list(here)} for {list(there)}" for key, here, there in report["mismatched_keys"]]
        lack = f"holds weights of other sizes than its config.json says: {shown(sizes)}"
    return (
        f"The checkpoint {source!r} {lack}. They would be random, and every load would answer otherwise. "
        + (f"It holds {shown(others)} instead. " if missing and others else "")
        + "Load it by the class that it was saved from, and give that model to explain()."
    )


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
