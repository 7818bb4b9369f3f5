"""Planted saturation: models whose chosen heads attend to one token alone, so that no gradient passes there.

Models of the shape of GPT-2 with drawn weights. In half of the heads the queries are made larger, until the
softmax is saturated; a query or key that is replaced turns such a head to another token, which no derivative
at the sentence can tell.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from examples.studies.circuits.cases import Question
from examples.studies.circuits.training import small_model

LAYERS, HEADS, WIDTH, TOKENS = 2, 8, 64, 6
SHARPENED = 12.0
MODELS = 6


@cache
def saturated_model(seed: int) -> GPT2LMHeadModel:
    """A model of drawn weights, half of whose heads are saturated."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=8, n_positions=TOKENS, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_inner=WIDTH,
        initializer_range=WIDTH**-0.5, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model: GPT2LMHeadModel = small_model(config).eval().requires_grad_(False)
    width = WIDTH // HEADS
    blocks: Any = model.transformer.h
    for block in blocks:
        for head in torch.randperm(HEADS)[: HEADS // 2].tolist():
            block.attn.c_attn.weight[:, head * width : (head + 1) * width] *= SHARPENED
    return model


def saturated_question(number: int) -> Question:
    """Drawn words and others, to one of `MODELS` models."""
    model = saturated_model(number % MODELS)
    draw = torch.Generator().manual_seed(number)
    x, reference = (torch.randn(1, TOKENS, WIDTH, generator=draw) for _ in range(2))
    return Question("drawn words", model, x, reference, TOKENS - 1, (0,), (1,))
