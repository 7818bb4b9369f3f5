"""The question: a model, a text and what is asked of it, as one function from embeddings to a score.

Token ids have no derivative, so paths start at the input embeddings. `prepare` finds them, decides where and
for which token the model is asked, and checks everything that can be wrong before any sweep runs.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.errors import InputError, NonFiniteError
from semiring_widgets.explanation.questions import question
from semiring_widgets.explanation.results import Score, Stream
from semiring_widgets.explanation.targets import family_of
from semiring_widgets.explanation.text import Source, encode, longest_allowed, source_of, stream_of

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A question ready to be asked.

    Attributes:
        text: the text; of a pair, both with a line break between.
        model_name: class of the model.
        streams: tokens of the input, or of encoder and decoder.
        score: what is asked, with the value that the model gives now.
        inputs: embeddings of each stream, (1, T, D).
        baseline_embeds: of the first stream with every word blanked (mask, pad or unknown token).
        run: embeddings of all streams (B, T, D) to scores (B,).
    """

    text: str
    model_name: str
    streams: tuple[Stream, ...]
    score: Score
    inputs: tuple[Tensor, ...]
    baseline_embeds: Tensor
    run: Callable[..., Tensor]

    @property
    def inputs_embeds(self) -> Tensor:
        """Embeddings of the first stream."""
        return self.inputs[0]

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """Scores (B,) for embeddings (B, T, D) of the first stream; a decoder keeps its own."""
        rest = [e.expand(len(inputs_embeds), -1, -1) for e in self.inputs[1:]]
        return self.run(inputs_embeds, *rest)


def prepare(
    model: Any,
    tokenizer: Any,
    text: str | tuple[str, str],
    target: str | int | None = None,
    contrast: str | int | None = None,
    position: int | None = None,
    score: Callable[[Any], Tensor] | None = None,
    add_special_tokens: bool = True,
) -> Prepared:
    """Check a question and make it a function of embeddings.

    Args:
        model: a transformers model in eval mode that takes ``inputs_embeds``.
        tokenizer: its tokenizer.
        text: the text, or two as a pair; for a masked model with one mask token.
        target: token (or class) asked for; by default the one that the model ranks first.
        contrast: token whose logit is subtracted.
        position: token whose logits are read; by default the mask token, the last token of a causal model,
            the last decoder token of an encoder-decoder.
        score: instead of a target, a function of the model's output that gives shape () or (B,).
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``).

    Raises:
        InputError: anything of this that cannot be used as given.
        NonFiniteError: the score is NaN or infinite; names a parameter that is.
    """
    if not isinstance(model, torch.nn.Module):
        raise InputError(
            f"model is a {type(model).__name__}; give a torch module, such as a transformers model."
        )
    if model.training:
        raise InputError(
            f"The {type(model).__name__} is in training mode, in which dropout makes every answer "
            f"different; call "
            f"model.eval() first."
        )
    if score is not None and (target is not None or contrast is not None):
        raise InputError("Both score= and a target or contrast were given; give one or the other.")
    source = source_of(tokenizer, text, add_special_tokens)
    call = _Call(model, source)
    family = "other" if score is not None else family_of(model)
    with torch.no_grad():
        if score is not None:
            asked = _custom(score)
            found = Score(_name_of(score), 0.0, None, None, position)
        else:
            logits = getattr(call(*call.inputs), "logits", None)
            asked, found = question(model, source, call.streams, logits, family, target, contrast, position)

        def run(*embeds: Tensor) -> Tensor:
            return _per_example(asked(call(*embeds)), len(embeds[0]))

        value = float(run(*call.inputs)[0])
    if not math.isfinite(value):
        raise NonFiniteError(_why_not_finite(model, value))
    found = Score(found.label, value, found.target, found.contrast, found.position)
    return Prepared(source.text, type(model).__name__, call.streams, found, call.inputs, call.baseline, run)


def _device_of(model: Any, embedding: Any) -> torch.device:
    """Where a model computes its embeddings.

    Accelerate may keep the weights elsewhere and bring them for every call; its hooks say where to.
    """
    device: torch.device = embedding.weight.device
    if device.type != "meta":
        return device
    hook = getattr(embedding, "_hf_hook", None)
    for one in getattr(hook, "hooks", (hook,)):
        if (target := getattr(one, "execution_device", None)) is not None:
            return torch.device(target)
    raise InputError(
        f"The weights of {type(model).__name__} are on the meta device: they hold no numbers. Load the model "
        f"without init_empty_weights, or dispatch it with accelerate, which brings its weights when called."
    )


class _Call:
    """One way to call the model: everything but the embeddings is fixed."""

    def __init__(self, model: Any, source: Source) -> None:
        self.model, self.tokenizer = model, source.tokenizer
        accepted = set(inspect.signature(model.forward).parameters)
        embedding = getattr(model, "get_input_embeddings", lambda: None)()
        if "inputs_embeds" not in accepted or embedding is None:
            raise InputError(
                f"{type(model).__name__} does not take inputs_embeds, so its paths cannot start at "
                f"the tokens. Use "
                f"sw.record and sw.backprop with a tensor of your own choice."
            )
        encoding = encode(source, longest_allowed(model, source.tokenizer))
        device = _device_of(model, embedding)
        ids = encoding.pop("input_ids").to(device)
        offsets = encoding.pop("offsets")
        self._fixed = {
            k: v.to(device) for k, v in encoding.items() if k in accepted and isinstance(v, Tensor)
        }
        self._options = {"use_cache": False} if "use_cache" in accepted else {}
        decodes = "decoder_inputs_embeds" in accepted
        streams = [
            stream_of("encoder" if decodes else "input", source.tokenizer, ids[0], source.text, offsets)
        ]
        with torch.no_grad():
            inputs = [embedding(ids).detach()]
            self.baseline = embedding(self._blank(ids)).detach()
            if decodes:
                first = getattr(model.config, "decoder_start_token_id", None)
                first = first if first is not None else getattr(source.tokenizer, "bos_token_id", None)
                if first is None:
                    raise InputError(
                        f"{type(model).__name__} has no decoder_start_token_id in its config; set it "
                        f"to the token "
                        f"that its decoder starts with."
                    )
                start = torch.full((1, 1), int(first), device=device)
                streams.append(stream_of("decoder", source.tokenizer, start[0]))
                inputs.append(model.get_decoder().get_input_embeddings()(start).detach())
        self.streams, self.inputs = tuple(streams), tuple(inputs)

    def __call__(self, *embeds: Tensor) -> Any:
        count = len(embeds[0])
        fixed = {name: value.expand(count, *value.shape[1:]) for name, value in self._fixed.items()}
        named = dict(zip(("inputs_embeds", "decoder_inputs_embeds"), embeds, strict=False))
        return self.model(**named, **fixed, **self._options)

    def _blank(self, ids: Tensor) -> Tensor:
        """The same text with every word replaced by a token that says nothing."""
        names = ("mask_token_id", "pad_token_id", "unk_token_id", "eos_token_id")
        empty = next((n for name in names if (n := getattr(self.tokenizer, name, None)) is not None), 0)
        special = torch.tensor(sorted(getattr(self.tokenizer, "all_special_ids", ())), device=ids.device)
        return torch.where(torch.isin(ids, special), ids, torch.full_like(ids, int(empty)))


def _custom(score: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    if not callable(score):
        raise InputError(f"score is a {type(score).__name__}; give a function of the model's output.")

    def asked(output: Any) -> Tensor:
        value: Any = score(output)
        if isinstance(value, Tensor) and value.is_floating_point():
            return value
        raise InputError(f"score= returned {type(value).__name__}; return a floating-point tensor.")

    return asked


def _per_example(value: Tensor, count: int) -> Tensor:
    if value.numel() == count:
        return value.reshape(count)
    raise InputError(
        f"score= returned a tensor of shape {list(value.shape)} for a batch of {count}; return one "
        f"number per "
        f"example, shape ({count},)."
    )


def _name_of(score: Callable[[Any], Tensor]) -> str:
    name = getattr(score, "__name__", "score")
    return "score" if name == "<lambda>" else str(name)


def _why_not_finite(model: torch.nn.Module, value: float) -> str:
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            found = f"the model's parameter '{name}' holds NaN or infinity"
            return f"The score is {value}: {found}. Load the weights again."
    return (
        f"The score is {value}, so there is nothing to explain; look for an overflow in the model or in "
        f"score=."
    )
