"""Statistics that need hooks: attention weights, gradients at heads, and Captum's methods at layers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from captum.attr import LayerDeepLift, LayerIntegratedGradients
from torch import Tensor, nn

from examples.studies.importance.measures import Numbers
from examples.studies.importance.texts import Asked

STEPS = 8
Key = tuple[str, str, str]


def attentions(asked: Asked) -> tuple[list[Tensor], list[Tensor]]:
    """Attention weights of every layer, shape (heads, queries, keys), and the gradients at them."""
    x = asked.x.clone().requires_grad_()
    output = asked.scored.model(inputs_embeds=x, output_attentions=True)
    weights = list(output.attentions)
    slopes = torch.autograd.grad(asked.scored.read(output).sum(), weights)
    return [each.detach()[0] for each in weights], [each[0] for each in slopes]


def head_statistics(asked: Asked) -> dict[str, dict[Key, Numbers]]:
    """What attention weights, outputs and gradients say of every head."""
    weights, slopes = attentions(asked)
    place = slice(None) if asked.place is None else slice(asked.place, asked.place + 1)
    found: dict[Key, Numbers] = {
        ("attention: mean of the largest weight", "", ""): _joined([w.amax(-1).mean(-1) for w in weights]),
        ("attention: from the asked word to the subject", "", ""): _joined(
            [w[:, place, asked.subject].mean(-1) for w in weights]
        ),
        ("attention x gradient", "", ""): _joined(
            [(w * s).abs().sum((-2, -1)) for w, s in zip(weights, slopes, strict=True)]
        ),
    }
    heads = len(weights[0])
    with _outputs(asked.scored.model) as seen:
        score = asked.scored(asked.x.clone().requires_grad_()).sum()
        slopes = list(torch.autograd.grad(score, seen))
    for name, values in (("output norm", seen), ("gradient norm", slopes)):
        found[name, "", ""] = _joined([_by_head(each.detach()[0], heads).norm(dim=(0, 2)) for each in values])
    return {"heads": found}


def captum_parts(asked: Asked) -> dict[str, dict[Key, Numbers]]:
    """Captum's IntegratedGradients and DeepLift at the outputs of a layer's heads and of its MLP.

    Their baseline is the value of the layer under the reference, or for the counterfactual text.
    """
    found: dict[str, dict[Key, Numbers]] = {"heads": {}, "mlps": {}}
    heads = asked.scored.model.config.num_attention_heads
    for by, other in (("reference", asked.reference), ("resample", asked.counterfactual)):
        for name, method in (("IntegratedGradients", LayerIntegratedGradients), ("DeepLift", LayerDeepLift)):
            own: list[Tensor] = []
            for layer in _output_projections(asked.scored.model):
                values = _attributed(method, asked, layer, other, inputs=True)
                own.append(_by_head(values, heads).sum((0, 2)))
            found["heads"][f"{name} at the part (Captum)", "", by] = _joined(own)
            sums = [
                _attributed(method, asked, layer, other, inputs=False).sum()[None]
                for layer in _mlp_outputs(asked.scored.model)
            ]
            found["mlps"][f"{name} at the part (Captum)", "", by] = _joined(sums)
    return found


def _attributed(method: Any, asked: Asked, layer: nn.Module, other: Tensor, *, inputs: bool) -> Tensor:
    more = {"n_steps": STEPS} if method is LayerIntegratedGradients else {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")
        values = method(asked.scored, layer).attribute(
            asked.x.clone().requires_grad_(), baselines=other, attribute_to_layer_input=inputs, **more
        )
    value: Tensor = values[0] if isinstance(values, tuple) else values
    return value.detach()[0]


def _by_head(value: Tensor, heads: int) -> Tensor:
    """(tokens, units) -> (tokens, heads, units of a head)."""
    return value.reshape(*value.shape[:-1], heads, -1)


def _joined(parts: list[Tensor]) -> Numbers:
    return torch.cat([part.reshape(-1) for part in parts]).double().numpy()


@contextmanager
def _outputs(model: nn.Module) -> Iterator[list[Tensor]]:
    """The outputs of all heads of a call, layer by layer: what enters the output projections."""
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        for layer in _output_projections(model)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _output_projections(model: nn.Module) -> list[nn.Module]:
    ends = ("attention.output.dense", "attn.c_proj", "self_attn.o_proj")
    return [module for name, module in model.named_modules() if name.endswith(ends)]


def _mlp_outputs(model: nn.Module) -> list[nn.Module]:
    """Of each layer, the last step of the feed-forward part."""
    ends = ("mlp.c_proj", "mlp.down_proj", "output.dense")
    return [
        module
        for name, module in model.named_modules()
        if name.endswith(ends) and not name.endswith("attention.output.dense")
    ]


def attention_words(asked: Asked) -> dict[Key, Numbers]:
    """What attention weights say of every token: in the last layer, in all, rolled out, and times gradient.

    Rollout multiplies (A + 1) / 2 of all layers, A the mean over heads (Abnar and Zuidema 2020, arXiv
    2005.00928).
    """
    weights, slopes = attentions(asked)
    place = slice(None) if asked.place is None else slice(asked.place, asked.place + 1)
    means = [each.mean(0) for each in weights]
    rolled = torch.eye(len(means[0]))
    for each in means:
        rolled = (each + torch.eye(len(each))) / 2 @ rolled
    relevance = torch.stack([(w * s).abs().sum(0) for w, s in zip(weights, slopes, strict=True)]).sum(0)
    numbers = {
        "attention: last layer": means[-1][place].mean(0),
        "attention: mean of all layers": torch.stack(means)[:, place].mean((0, 1)),
        "attention rollout": rolled[place].mean(0),
        "attention x gradient": relevance.sum(0),
    }
    return {(name, "", ""): np.asarray(value.double()) for name, value in numbers.items()}
