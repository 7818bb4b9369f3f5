"""Train the two embedded image models and write them into the package; the same seed gives the same models.

    python train.py [cnn|vit] [STEPS]

The task is `semiring_widgets.tasks.shape_scenes`: name the shape of the red one. Test pictures have a seed of
their own.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from semiring_widgets.tasks import SHAPES, ShapeScene, shape_scenes

HOME = Path(__file__).parents[2] / "semiring_widgets/explanation/embedded_images"
BATCH = 64
TEST_SEED = 1_000_000
NAMES = {"id2label": dict(enumerate(SHAPES)), "label2id": {name: i for i, name in enumerate(SHAPES)}}


def make(kind: str) -> Any:
    """An untrained model."""
    if kind == "cnn":
        return ResNetForImageClassification(
            ResNetConfig(
                embedding_size=16, hidden_sizes=[24, 48], depths=[2, 1], layer_type="basic", **NAMES
            )
        )  # fmt: skip
    return ViTForImageClassification(
        ViTConfig(
            image_size=48, patch_size=6, hidden_size=48, num_hidden_layers=3, num_attention_heads=4,
            intermediate_size=144, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **NAMES,
        )
    )  # fmt: skip


def batch_of(scenes: list[ShapeScene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels between -1 and 1, as the image processor gives them, and classes."""
    pixels = torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)
    return pixels.float() / 127.5 - 1, torch.tensor([scene.label for scene in scenes])


@torch.no_grad()
def accuracy(model: Any, n: int = 1000) -> float:
    """Share of test pictures whose class is named."""
    pixels, labels = batch_of(shape_scenes(n, TEST_SEED))
    model.eval()
    found = torch.cat([model(pixel_values=part).logits.argmax(-1) for part in pixels.split(200)])
    model.train()
    return float((found == labels).float().mean())


def train(kind: str, steps: int) -> None:
    """Train one model, save it, and say how good it is."""
    torch.manual_seed(0)
    model, rate = make(kind), 3e-3 if kind == "cnn" else 1.5e-3
    print(f"{kind}: {sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    started = time.perf_counter()
    for step in range(steps):
        pixels, labels = batch_of(shape_scenes(BATCH, seed=step, objects=1 + step % 4))
        loss = torch.nn.functional.cross_entropy(model(pixel_values=pixels).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 250 == 0 or step + 1 == steps:
            seconds = round(time.perf_counter() - started)
            print(step + 1, round(loss.item(), 3), f"{accuracy(model):.3f}", f"{seconds} s", flush=True)
            model.save_pretrained(HOME / kind)


if __name__ == "__main__":
    kinds = sys.argv[1:2] or ["cnn", "vit"]
    for name in kinds:
        train(name, int(sys.argv[2]) if len(sys.argv) > 2 else {"cnn": 400, "vit": 2000}[name])
