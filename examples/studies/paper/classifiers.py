"""Small BERT classifiers of the synthetic tasks, and how they are trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semiring_widgets.tasks import Examples

RATE, BATCH = 1e-3, 32


def classifier(
    vocabulary: int, length: int, *, layers: int, labels: int, width: int = 64, seed: int = 0
) -> Any:
    """An untrained BERT with 4 heads and 32 units in between; it reads the class at the first token.

    Without dropout: on these sizes it only makes training longer, and what is explained has none.
    """
    from transformers import BertConfig, BertForSequenceClassification

    settings: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "max_position_embeddings": length,
        "type_vocab_size": 1,
        "num_labels": labels,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    torch.manual_seed(seed)
    return BertForSequenceClassification(BertConfig(**settings)).eval()


def train(model: Any, examples: Examples, *, epochs: int, until: float, seed: int = 0) -> None:
    """AdamW, 1e-3, batches of 32.

    Args:
        model: is changed, and in eval mode at the end.
        examples: inputs and labels.
        epochs: at most so many.
        until: an epoch whose mean loss is below this is the last one.
        seed: of the order.
    """
    inputs, labels = _tensors(examples)
    draw = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
    model.train()
    for _ in range(epochs):
        total = 0.0
        for some in torch.randperm(len(labels), generator=draw).split(BATCH):
            loss = torch.nn.functional.cross_entropy(_logits(model, inputs[some]), labels[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(some)
        if total / len(labels) < until:
            break
    model.eval()


@torch.no_grad()
def losses_and_hits(model: Any, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Cross-entropy of each example in nats, and whether its class is predicted; shape (n,) both."""
    inputs, labels = _tensors(examples)
    logits = torch.cat([_logits(model, some) for some in inputs.split(360)])
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    return losses.double().numpy(), (logits.argmax(-1) == labels).numpy()


def parts(examples: Examples, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and labels, some at a time."""
    inputs, labels = _tensors(examples)
    yield from zip(inputs.split(size), labels.split(size), strict=True)


def _logits(model: Any, inputs: Tensor) -> Tensor:
    found: Tensor = model(inputs).logits if inputs.dtype == torch.int64 else model(inputs)
    return found


def _tensors(examples: Examples) -> tuple[Tensor, Tensor]:
    inputs = torch.from_numpy(examples.inputs)
    return inputs if inputs.dtype == torch.int64 else inputs.float(), torch.from_numpy(examples.labels)
