"""The edges of a compiled model, read off its weights and the labels of its residual stream.

A part reads another if some change of what the other may write changes what it reads. Every unit of the
stream bears the name of a variable and of one of its values (``tokens:a``), or of a number (``mean_1``). A
part that reads all values of a variable alike does not depend on it; nor does anything depend on ``one``,
which is always 1. Of these edges the circuit has those that lie on a way from an input to the output: what
Tracr adds to fill up layers, and what is the same for all texts (a length, where all texts are equally
long), is outside.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["true_edges"]

Edge = tuple[str, str, str]
_FIXED = {"one", "tokens:compiler_bos", "tokens:compiler_pad"}


def true_edges(weights: dict[str, np.ndarray], labels: list[str], heads: int) -> list[Edge]:
    """(source, target, branch) of every edge in the circuit; branch is empty where the target is no head.

    Args:
        weights: by the names of `Transformer.state_dict`.
        labels: of the units of the stream.
        heads: of each attention.
    """
    variables: dict[str, list[int]] = {}
    for unit, label in enumerate(labels):
        if label not in _FIXED:
            variables.setdefault(label.partition(":")[0], []).append(unit)
    layers = sum(name.endswith("query.weight") for name in weights)
    writes, reads = dict(_writes(weights, layers, heads)), list(_reads(weights, layers, heads))
    found = []
    for source, written in writes.items():
        for target, branch, read in reads:
            ahead = target == "logits" or _place(target) > _place(source)
            if ahead and any(_depends(written, read, units) for units in variables.values()):
                found.append((source, target, branch))
    return _on_the_way(found)


def _place(node: str) -> int:
    """When a node runs; heads of one attention run together."""
    if node.startswith("input"):
        return -1
    layer = int(node[1:].split(".", maxsplit=1)[0])
    return 2 * layer + (node[0] == "m")


def _depends(written: np.ndarray, read: np.ndarray, units: list[int]) -> bool:
    if not written[units].any():
        return False
    rows = read[units]
    return bool((rows != rows[0]).any() if len(units) > 1 else rows.any())


def _used(weights: np.ndarray) -> np.ndarray:
    """Which columns hold anything."""
    return np.asarray(weights.any(0))


def _writes(weights: dict[str, np.ndarray], layers: int, heads: int) -> Iterator[tuple[str, np.ndarray]]:
    """Which units of the stream each source may write."""
    yield "input", _used(weights["token_embedding.weight"])
    yield "input1", _used(weights["position_embedding.weight"])
    for layer in range(layers):
        for head, (_, _, value) in enumerate(_forms(weights, layer, heads)):
            yield f"a{layer}.h{head}", _used(value)
        part = f"feed_forwards.{layer}"
        used = weights[f"{part}.into.weight"].any(1)
        yield f"m{layer}", _used(weights[f"{part}.out.weight"][:, used].T)


def _reads(weights: dict[str, np.ndarray], layers: int, heads: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """What each target makes of the units, (units, anything)."""
    for layer in range(layers):
        for head, forms in enumerate(_forms(weights, layer, heads)):
            for branch, form in zip(("query", "key", "value"), forms, strict=True):
                yield f"a{layer}.h{head}", branch, form
        part = f"feed_forwards.{layer}"
        used = weights[f"{part}.out.weight"].any(0)
        yield f"m{layer}", "", weights[f"{part}.into.weight"][used].T
    yield "logits", "", weights["output.weight"].T


def _forms(
    weights: dict[str, np.ndarray], layer: int, heads: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each head: units to what they match as queries, as keys, and to what they give as values."""
    name = f"attentions.{layer}"
    query, key, value = (
        np.split(weights[f"{name}.{part}.weight"], heads) for part in ("query", "key", "value")
    )
    out = np.split(weights[f"{name}.out.weight"], heads, axis=1)
    for head in range(heads):
        match = query[head].T @ key[head]
        yield match, match.T, value[head].T @ out[head].T


def _on_the_way(edges: list[Edge]) -> list[Edge]:
    """The edges between what an input reaches and what reaches the output."""
    reached, needed = {"input", "input1"}, {"logits"}
    for _ in edges:
        reached |= {target for source, target, _ in edges if source in reached}
        needed |= {source for source, target, _ in edges if target in needed}
    return [edge for edge in edges if edge[0] in reached and edge[1] in needed]
