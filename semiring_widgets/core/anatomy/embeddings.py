"""The embeddings that a model adds up before its first layer: words, positions, segments."""

from __future__ import annotations

import torch

from semiring_widgets.core.anatomy.attentions import find_anatomy
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node, Tape

__all__ = ["find_embeddings"]


def find_embeddings(tape: Tape, score: Node) -> dict[str, Node]:
    """What was looked up in tables and reaches a layer's queries before any attention, by module path.

    Position biases that are added to attention scores reach no query so, and are left out.
    """
    looked_up = [op for op in tape.ops if op.func.overloadpacket is torch.ops.aten.embedding]
    rows = [op.outputs[0] for op in looked_up]
    graph = GradientGraph(tape, score, [node for node in rows if node is not None])
    attentions = find_anatomy(graph).attentions
    products = {op for attention in attentions for op in (attention.scores_op, attention.context_op)}
    queries = {attention.query.node for attention in attentions}
    found: dict[str, Node] = {}
    for op, node in zip(looked_up, rows, strict=True):
        if node is None or node not in graph.nodes:
            continue
        reached = {node}
        for later in graph.ops:
            if later not in products and any(source in reached for source in later.inputs()):
                reached.update(out for out in later.outputs if out is not None)
        if reached & queries:
            name = op.scope.module or "embedding"
            again = sum(other.split(" #")[0] == name for other in found)
            found[f"{name} #{again + 1}" if again else name] = node
    return found
