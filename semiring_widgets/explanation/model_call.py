"""A model called with a text as its users call it, and the same call from given embeddings."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from semiring_widgets.errors import InputError, ModelError
from semiring_widgets.explanation.chats import set_apart
from semiring_widgets.explanation.failures import named_failure, row_out_of_range
from semiring_widgets.explanation.families import config_of, known_family, unwrapped
from semiring_widgets.explanation.limits import check_rows, longest_allowed
from semiring_widgets.explanation.lookups import Start, embedding_layers, replaced, starts_of, watched
from semiring_widgets.explanation.segments import with_segments
from semiring_widgets.explanation.text import Source, check_pair, encode, stream_of
from semiring_widgets.results.parts import Stream

__all__ = ["ModelCall", "call_with_text", "eagerly"]

# In these an encoder-decoder's decoder reads the text itself, shifted by one, so it is given no start.
_READ_BY_DECODER = ("classifier", "token classifier", "answers")
_OTHER_INPUTS = {"input_features": "sound", "input_values": "sound", "pixel_values": "images"}


@dataclass(frozen=True, eq=False)
class ModelCall:
    """One way to call a model: ids, masks and options are fixed, the embedded tokens can be replaced.

    Attributes:
        model: the model, without wrappers that only spread or compile its work.
        source: the text, and how its tokenizer reads it.
        family: what its class says its logits are about, or None, see `known_family`.
        config: its configuration, or None.
        streams: tokens of the input, or of encoder and decoder.
        starts: the calls of its embedding layer that paths start from, for each stream.
        baseline: embeddings of the first stream with every word blanked, shape (1, T, D).
        arguments: what the model is called with; tensors have one row.
    """

    model: nn.Module
    source: Source
    family: str | None
    config: Any
    streams: tuple[Stream, ...]
    starts: tuple[list[Start], ...]
    baseline: Tensor
    arguments: dict[str, Any]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the embedding layer gives for each stream, shape (1, T, D)."""
        return tuple(starts[0].vectors for starts in self.starts)

    def __call__(self, *embeds: Tensor) -> Any:
        """The model's output where its embedding layer gives these, shape (B, T, D) for each stream."""
        vectors = [
            (start, given) for starts, given in zip(self.starts, embeds, strict=True) for start in starts
        ]
        with replaced(vectors), eagerly(self.model):
            return self.model(**_rows(self.arguments, len(embeds[0])))


def call_with_text(model: nn.Module, source: Source, *, named: bool = True) -> tuple[ModelCall, Any]:
    """Call a model with a text.

    Args:
        model: a module whose forward takes ``input_ids``.
        source: the text.
        named: the output is to have names, whatever the configuration says; else it is as users get it.

    Returns:
        The call, which can be repeated from other embeddings, and the model's output.

    Raises:
        InputError: a text or a model that cannot be asked in this way.
        ModelError: the model's own code failed.
    """
    model = unwrapped(model)
    family, config = known_family(model), config_of(model)
    if family == "choices":
        raise InputError(
            f"{type(model).__name__} chooses between several texts, and explain() asks about one. Use "
            f"sw.record and sw.backprop."
        )
    accepted = _accepted(model)
    check_pair(source, accepted, config)
    layers = embedding_layers(model)
    tokenizer = source.tokenizer
    # BLIP-2 takes such ids for some of the language models that it may hold.
    decodes = "decoder_input_ids" in accepted and getattr(config, "is_encoder_decoder", True)
    encoding = encode(source, longest_allowed(model, tokenizer), answered=not decodes)
    device = _device_of(model, layers)
    offsets = encoding.pop("offsets")
    ids = encoding["input_ids"]
    if layers:
        check_rows(model, layers[0], tokenizer, ids)
    arguments: dict[str, Any] = {
        k: v.to(device) for k, v in encoding.items() if k in accepted and isinstance(v, Tensor)
    }
    if "use_cache" in accepted:
        arguments["use_cache"] = False
    if "return_dict" in accepted and named:
        arguments["return_dict"] = True
    if decodes and family not in _READ_BY_DECODER:
        read = [_start(model, config, tokenizer), *source.answer]
        arguments["decoder_input_ids"] = torch.tensor([read], device=device)
    starts, output = _first_call(model, layers, arguments, decodes)
    streams = [stream_of("input" if len(starts) == 1 else "encoder", tokenizer, ids[0], source.text, offsets)]
    streams[0] = set_apart(streams[0], source.written)
    streams[0] = with_segments(streams[0], source if len(starts) == 1 else replace(source, answer=()))
    streams += [stream_of("decoder", tokenizer, found[0].ids) for found in starts[1:]]
    with eagerly(model):
        baseline = starts[0][0].of(_blank(tokenizer, ids).to(device))
    call = ModelCall(model, source, family, config, tuple(streams), starts, baseline, arguments)
    return call, output


def _first_call(
    model: nn.Module, layers: Sequence[nn.Module], arguments: dict[str, Any], decodes: bool
) -> tuple[tuple[list[Start], ...], Any]:
    """Call the model, and see where it looks up the text and what its decoder reads."""
    parts = [part for part in model.modules() if part is not model]
    for declared, watching in ((True, layers), (False, parts)):
        given = _rows(arguments, 1)
        with watched(watching) as seen, eagerly(model):
            output = _run(model, lambda: model(**given))  # noqa: B023  (called at once)
        # Of undeclared layers the innermost is the place; those around it give its vectors on.
        last = None if declared else 1
        found = [starts_of(seen, given["input_ids"])[:last]]
        if "decoder_input_ids" in given:
            found.append(starts_of(seen, given["decoder_input_ids"])[:last])
        elif decodes:
            known = [start.lookup for start in found[0]]
            others = [lookup for lookup in seen if lookup not in known]
            found += [starts_of(others, others[0].given)[:last]] if others else []
        if all(found):
            return tuple(found), output
    raise InputError(
        f"{type(model).__name__} has no layer that turns its token ids into vectors, shape (1, tokens, "
        f"width), so its paths cannot start at the tokens. Use sw.record and sw.backprop with a tensor of "
        f"your own choice."
    )


def _run(model: nn.Module, call: Callable[[], Any]) -> Any:
    try:
        with named_failure(type(model).__name__, "was called with the text"):
            return call()
    except ModelError as error:
        cause = error.__cause__
        if isinstance(cause, IndexError) and (told := row_out_of_range(model, call)) is not None:
            raise told from cause
        if isinstance(cause, AttributeError) and getattr(config_of(model), "return_dict", None) is False:
            # GPT-2 and others then fail at the tuples of their own parts.
            raise ModelError(f"{error} Set model.config.return_dict = True.") from cause
        raise


def _rows(arguments: dict[str, Any], count: int) -> dict[str, Any]:
    """The arguments for ``count`` examples; copies, because models write into their masks."""
    return {
        name: value.repeat(count, *[1] * (value.dim() - 1)) if isinstance(value, Tensor) else value
        for name, value in arguments.items()
    }


def eagerly(model: nn.Module) -> AbstractContextManager[Any]:
    """Compiled code does not run under a mode, and would hide the embedding layer's calls."""
    compiler = sys.modules.get("torch._dynamo")
    compiled = compiler is not None and any(
        isinstance(part, compiler.OptimizedModule)
        or part._compiled_call_impl is not None
        or hasattr(part.__dict__.get("forward"), "_torchdynamo_orig_callable")
        for part in model.modules()
    )
    return _Eager() if compiled else nullcontext()  # type: ignore[no-untyped-call]


class _Eager(TorchDispatchMode):
    """Runs every operator as it is."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _accepted(model: nn.Module) -> set[str]:
    """Names of the arguments that a model takes, also where it gives them on to the one it holds."""
    from transformers import PreTrainedModel

    names: set[str] = set()
    for part in model.modules():
        try:
            parameters = inspect.signature(part.forward).parameters.values()
        except ValueError:
            # Scripted code has no signature.
            break
        names |= {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        whole = isinstance(part, PreTrainedModel) and "input_ids" in names
        if whole or all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    if "input_ids" in names:
        return names
    other = _OTHER_INPUTS.get(getattr(model, "main_input_name", ""))
    raise InputError(
        f"{type(model).__name__} "
        + (f"reads {other}, not text" if other else "has no argument input_ids in its forward")
        + ", so explain() cannot call it with a text. Use sw.record and sw.backprop with a tensor of your "
        "own choice."
    )


def _device_of(model: nn.Module, layers: Sequence[nn.Module]) -> torch.device:
    """Where a model computes its embeddings.

    Accelerate may keep the weights elsewhere and bring them for every call; its hooks say where to.
    """
    for part in (*layers[:1], model):
        device = next((weights.device for weights in part.parameters()), None)
        if device is not None and device.type != "meta":
            return device
        hook = getattr(part, "_hf_hook", None)
        for one in getattr(hook, "hooks", (hook,)):
            if (target := getattr(one, "execution_device", None)) is not None:
                return torch.device(target)
        if device is not None:
            raise InputError(
                f"The weights of {type(model).__name__} are on the meta device: they hold no numbers. Load "
                f"the model without init_empty_weights, or dispatch it with accelerate, which brings its "
                f"weights when called."
            )
    return torch.device("cpu")


def _start(model: nn.Module, config: Any, tokenizer: Any) -> int:
    """The token that a decoder starts with."""
    generation = getattr(model, "generation_config", None)
    inner = getattr(config, "decoder", None)
    for source, name in (
        (config, "decoder_start_token_id"),
        (generation, "decoder_start_token_id"),
        (inner, "decoder_start_token_id"),
        (inner, "bos_token_id"),
        (tokenizer, "bos_token_id"),
    ):
        if (found := getattr(source, name, None)) is not None:
            return int(found)
    raise InputError(
        f"{type(model).__name__} has no decoder_start_token_id in its config; set it to the token that its "
        f"decoder starts with."
    )


def _blank(tokenizer: Any, ids: Tensor) -> Tensor:
    """The same text with every word replaced by a token that says nothing."""
    names = ("mask_token_id", "pad_token_id", "unk_token_id", "eos_token_id")
    empty = next((n for name in names if (n := getattr(tokenizer, name, None)) is not None), 0)
    special = torch.tensor(sorted(getattr(tokenizer, "all_special_ids", ())), device=ids.device)
    return torch.where(torch.isin(ids, special), ids, torch.full_like(ids, int(empty)))
