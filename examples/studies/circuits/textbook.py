"""Edge attribution patching with autograd alone, for models of the shape of GPT-2; many sentences at once.

Independent of the package, for comparison. Every target reads a copy of the stream of its own, so that the
gradient by the copy is the gradient by what this target reads; an edge is that gradient times what its
source gives here and does not give under the counterfactual (Syed et al. 2023, arXiv 2310.10348). With steps
the gradient is averaged over inputs between the two (Hanna et al. 2024, arXiv 2403.17806).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

BRANCHES = ("query", "key", "value")
End = tuple[str, str | None]


def published_shares(steps: int) -> list[float]:
    """Where the code of EAP-IG takes its gradients, from 0 (counterfactual) up, without 1 (the sentence)."""
    return [step / steps for step in range(steps)]


@dataclass
class Pass:
    """One forward pass.

    Attributes:
        given: what each source adds to the stream, (examples, tokens, units), by its name.
        read: the copy of the stream that each target reads, and the sources before it, by name and branch.
    """

    given: dict[str, Tensor] = field(default_factory=dict)
    read: dict[End, tuple[Tensor, tuple[str, ...]]] = field(default_factory=dict)

    def shown(self, stream: Tensor, name: str, branch: str | None = None) -> Tensor:
        """The stream, as a target reads it."""
        copy = stream.clone()
        self.read[name, branch] = copy, tuple(self.given)
        return copy


def forward(model: GPT2LMHeadModel, embedded: Tensor) -> tuple[Tensor, Pass]:
    """The logits at all tokens, and what the pass was made of.

    Args:
        model: any of GPT-2's shape.
        embedded: words, (examples, tokens, units).
    """
    seen = Pass()
    body: Any = model.transformer
    seen.given["input"] = embedded
    stream = embedded + body.wpe(torch.arange(embedded.shape[1]))
    for layer, block in enumerate(body.h):
        heads = [_head(block, layer, head, stream, seen) for head in range(block.attn.num_heads)]
        for head, given in enumerate(heads):
            seen.given[f"a{layer}.h{head}"] = given
        stream = stream + torch.stack(heads).sum(0) + block.attn.c_proj.bias
        given = block.mlp(block.ln_2(seen.shown(stream, f"m{layer}")))
        seen.given[f"m{layer}"] = given
        stream = stream + given
    return model.lm_head(body.ln_f(seen.shown(stream, "logits"))), seen


def _head(block: Any, layer: int, head: int, stream: Tensor, seen: Pass) -> Tensor:
    """What one head adds to the stream."""
    width, units = block.attn.head_dim, stream.shape[-1]
    operands = []
    for number, branch in enumerate(BRANCHES):
        own = slice(number * units + head * width, number * units + (head + 1) * width)
        weight, bias = block.attn.c_attn.weight[:, own], block.attn.c_attn.bias[own]
        operands.append(block.ln_1(seen.shown(stream, f"a{layer}.h{head}", branch)) @ weight + bias)
    query, key, value = operands
    later = torch.ones(query.shape[1], query.shape[1], dtype=torch.bool).triu(1)
    weights = (query @ key.mT * width**-0.5).masked_fill(later, float("-inf")).softmax(-1)
    given: Tensor = weights @ value @ block.attn.c_proj.weight[head * width : (head + 1) * width]
    return given


def attribution_patching(
    model: GPT2LMHeadModel,
    embedded: Tensor,
    reference: Tensor,
    score: Callable[[Tensor], Tensor],
    shares: Sequence[float] = (1.0,),
) -> dict[tuple[str, str, str | None], Tensor]:
    """(source, target, branch) -> the estimated effect of the edge in each example, (examples,).

    Args:
        model: its weights need no gradient.
        embedded: the words of sentences of one length, (examples, tokens, units).
        reference: those of their counterfactuals.
        score: of logits (examples, tokens, words), one number an example.
        shares: where gradients are taken, from 0 (counterfactual) to 1 (sentence); their mean counts. (1.0,)
            is edge attribution patching, several are EAP-IG (inputs).
    """
    with torch.no_grad():
        here, there = (forward(model, words)[1].given for words in (embedded, reference))
    found: dict[tuple[str, str, str | None], Tensor] = {}
    for share in shares:
        between = (reference + share * (embedded - reference)).requires_grad_()
        logits, seen = forward(model, between)
        copies = [copy for copy, _ in seen.read.values()]
        slopes = torch.autograd.grad(score(logits).sum(), copies)
        for ((target, branch), (_, sources)), slope in zip(seen.read.items(), slopes, strict=True):
            for source in sources:
                effect = (slope * (here[source] - there[source])).sum((1, 2)) / len(shares)
                edge = source, target, branch
                found[edge] = found[edge] + effect if edge in found else effect
    return found
