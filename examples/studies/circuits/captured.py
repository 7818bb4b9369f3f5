"""What heads read and give in a forward pass, by hooks: independent of the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

OPERANDS = ("query", "key", "value")
# (layer, what), where what is "query", "key", "value" or "output": a tensor (examples, tokens, units) of all
# heads side by side.
Place = tuple[int, str]
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Anatomy:
    """Where to find things in a model.

    Attributes:
        heads: in each layer.
        causal: whether a token sees no later ones.
        joint: by layer, the module that gives query, key and value side by side; else empty.
        single: the module that gives one of them, by place.
        before: by layer, the module that reads the heads' outputs.
        added: by layer, the modules whose outputs are added to the stream.
    """

    heads: int
    causal: bool
    joint: Mapping[int, nn.Module]
    single: Mapping[Place, nn.Module]
    before: Mapping[int, nn.Module]
    added: Mapping[int, tuple[nn.Module, nn.Module]]

    @property
    def layers(self) -> int:
        """How many there are."""
        return len(self.before)


def anatomy_of(model: PreTrainedModel) -> Anatomy:
    """Of a model of the shape of BERT or GPT-2."""
    whole: Any = model
    if model.config.model_type == "gpt2":
        blocks = dict(enumerate(whole.transformer.h))
        return Anatomy(
            heads=model.config.n_head,
            causal=True,
            joint={layer: block.attn.c_attn for layer, block in blocks.items()},
            single={},
            before={layer: block.attn.c_proj for layer, block in blocks.items()},
            added={layer: (block.attn.c_proj, block.mlp.c_proj) for layer, block in blocks.items()},
        )
    blocks = dict(enumerate(whole.bert.encoder.layer))
    return Anatomy(
        heads=model.config.num_attention_heads,
        causal=False,
        joint={},
        single={
            (layer, what): getattr(block.attention.self, what)
            for layer, block in blocks.items()
            for what in OPERANDS
        },
        before={layer: block.attention.output.dense for layer, block in blocks.items()},
        added={layer: (block.attention.output.dense, block.output.dense) for layer, block in blocks.items()},
    )


@contextmanager
def hooked(anatomy: Anatomy, at: Callable[[Place, Tensor], Tensor]) -> Iterator[None]:
    """Every head's query, key, value and output pass through a function while the block is open.

    Args:
        anatomy: of the model.
        at: is given the place and the tensor, and returns what the model goes on with.
    """

    def all_three(layer: int) -> Callable[..., Tensor]:
        def hook(_: nn.Module, __: Any, out: Tensor) -> Tensor:
            parts = out.chunk(3, -1)
            return torch.cat([at((layer, w), p) for w, p in zip(OPERANDS, parts, strict=True)], -1)

        return hook

    def one(place: Place) -> Callable[..., Tensor]:
        return lambda _, __, out: at(place, out)

    def outputs(layer: int) -> Callable[..., tuple[Tensor]]:
        return lambda _, given: (at((layer, "output"), given[0]),)

    handles = [module.register_forward_hook(all_three(layer)) for layer, module in anatomy.joint.items()]
    handles += [module.register_forward_hook(one(place)) for place, module in anatomy.single.items()]
    handles += [module.register_forward_pre_hook(outputs(layer)) for layer, module in anatomy.before.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def dropped(anatomy: Anatomy, layer: int | None) -> Iterator[None]:
    """No gradient passes what a layer adds to the stream while the block is open; None changes nothing."""
    modules = () if layer is None else anatomy.added[layer]
    handles = [module.register_forward_hook(lambda _, __, out: out.detach()) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def captured(
    anatomy: Anatomy, run: Callable[[], Tensor], changes: Mapping[Place, Change] | None = None
) -> tuple[Tensor, dict[Place, Tensor]]:
    """What a run gives, and every tensor that passed the hooks.

    Args:
        anatomy: of the model.
        run: calls the model.
        changes: what is done to the tensor at a place.
    """
    seen: dict[Place, Tensor] = {}

    def at(place: Place, value: Tensor) -> Tensor:
        change = (changes or {}).get(place)
        seen[place] = value if change is None else change(value)
        return seen[place]

    with hooked(anatomy, at):
        return run(), seen
