"""A small transformer in plain PyTorch: what compiled, trained and hand-set models of this study run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["Attention", "FeedForward", "Shape", "Transformer"]


@dataclass(frozen=True)
class Shape:
    """Sizes and choices of a transformer.

    Attributes:
        tokens: how many different tokens it reads.
        positions: how many positions it knows.
        width: units of the residual stream.
        layers: attentions, each followed by a feed-forward part.
        heads: of each attention.
        head_width: units of a head's query, key and value.
        hidden: units inside of a feed-forward part.
        outputs: numbers that it gives at each position.
        norm: whether a LayerNorm stands before each part and before the output (pre-norm).
        causal: whether a position reads only itself and what is before it.
    """

    tokens: int
    positions: int
    width: int
    layers: int
    heads: int
    head_width: int
    hidden: int
    outputs: int
    norm: bool = False
    causal: bool = False


class Attention(nn.Module):
    """Softmax attention of several heads; logits are divided by the root of the head's width.

    Args:
        shape: of the model.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = shape.heads * shape.head_width
        self.heads, self.causal = shape.heads, shape.causal
        self.norm = nn.LayerNorm(shape.width) if shape.norm else nn.Identity()
        self.query = nn.Linear(shape.width, inner)
        self.key = nn.Linear(shape.width, inner)
        self.value = nn.Linear(shape.width, inner)
        self.out = nn.Linear(inner, shape.width)

    def mixed(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What the heads give, side by side, before the output projection.

        Args:
            query: shape (..., positions, heads x head width), as the others.
            key: what queries are compared with.
            value: what is mixed.
        """
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for x in (query, key, value))
        logits = q @ k.mT / q.shape[-1] ** 0.5
        if self.causal:
            later = torch.ones(logits.shape[-2:], dtype=torch.bool).triu(1)
            logits = logits.masked_fill(later, float("-inf"))
        mixed: Tensor = (logits.softmax(-1) @ v).transpose(-2, -3).flatten(-2)
        return mixed

    def forward(self, stream: Tensor) -> Tensor:
        """What the attention adds to the stream, (..., positions, width) to the same shape."""
        read = self.norm(stream)
        added: Tensor = self.out(self.mixed(self.query(read), self.key(read), self.value(read)))
        return added


class FeedForward(nn.Module):
    """Two linear maps with GELU between, or ReLU where the model has no norms, as compiled models have it.

    Args:
        shape: of the model.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width) if shape.norm else nn.Identity()
        self.into = nn.Linear(shape.width, shape.hidden)
        self.activation = nn.GELU() if shape.norm else nn.ReLU()
        self.out = nn.Linear(shape.hidden, shape.width)

    def forward(self, stream: Tensor) -> Tensor:
        """What the part adds to the stream, (..., positions, width) to the same shape."""
        added: Tensor = self.out(self.activation(self.into(self.norm(stream))))
        return added


class Transformer(nn.Module):
    """Embeddings, layers of attention and feed-forward parts, and an output at each position.

    Args:
        shape: sizes and choices.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embedding = nn.Embedding(shape.tokens, shape.width)
        self.position_embedding = nn.Embedding(shape.positions, shape.width)
        self.attentions = nn.ModuleList(Attention(shape) for _ in range(shape.layers))
        self.feed_forwards = nn.ModuleList(FeedForward(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width) if shape.norm else nn.Identity()
        self.output = nn.Linear(shape.width, shape.outputs)

    @property
    def layers(self) -> list[tuple[Attention, FeedForward]]:
        """All layers in order."""
        pairs = zip(self.attentions, self.feed_forwards, strict=True)
        return [cast("tuple[Attention, FeedForward]", pair) for pair in pairs]

    def embedded(self, tokens: Tensor, positions: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The two inputs of the stream, one for tokens and one for positions.

        Args:
            tokens: integers, shape (texts, positions).
            positions: integers of the same shape; None for 0, 1, 2 ...
        """
        if positions is None:
            positions = torch.arange(tokens.shape[-1]).expand(tokens.shape)
        return self.token_embedding(tokens), self.position_embedding(positions)

    def from_embedded(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """The outputs, shape (texts, positions, outputs), of embedded tokens and positions."""
        stream = tokens + positions
        for attention, feed_forward in self.layers:
            stream = stream + attention(stream)
            stream = stream + feed_forward(stream)
        outputs: Tensor = self.output(self.norm(stream))
        return outputs

    def forward(self, tokens: Tensor) -> Tensor:
        """The outputs, shape (texts, positions, outputs), of tokens (texts, positions)."""
        return self.from_embedded(*self.embedded(tokens))
