"""Where attentions and feed-forward parts join the residual stream: the additions around them.

The residual connection of an attention is the first addition after it whose other operand, up to a factor, is
also where its queries come from. The feed-forward part is what lies between an addition that is reached
without a matrix product and one that is reached through one, if it has an activation and treats every token
alone. What is added to the stream before it is passed by, unless other tokens reach it by a recurrence: that
is another layer.

The functions below name the models that forced them; the README of this folder lists them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

import torch

from semiring_widgets.core.anatomy.ancestry import CONTRACTIONS, ancestors, contracts, sources_of, unscaled
from semiring_widgets.core.anatomy.parts import Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import CustomFunction, Node, Op

__all__ = ["find_feed_forward", "find_joined", "find_stacked"]

aten = torch.ops.aten
_SCANS = {aten.cumsum, aten.cumprod, aten.logcumsumexp}
_PRODUCTS = {aten.bmm, aten.baddbmm}
# Activations that are not tagged as pointwise: PReLU in DAB-DETR (https://arxiv.org/abs/2201.12329).
_ACTIVATIONS = {aten._prelu_kernel, aten.prelu, aten.glu}
# Pointwise, but no activation: factors, masks, and what norms consist of.
_LINEAR = {
    *(aten.add, aten.sub, aten.rsub, aten.mul, aten.div, aten.neg, aten._to_copy, aten.alias, aten.clone),
    *(aten.pow, aten.square, aten.sqrt, aten.rsqrt, aten.reciprocal, aten.where, aten.masked_fill),
}


def find_joined(graph: GradientGraph, query: Node, context_op: Op) -> tuple[Residual | None, Residual | None]:
    """Where an attention joins the stream, and the feed-forward part that is added to it before that.

    GPT-J, CodeGen, GPT-NeoX (https://arxiv.org/abs/2204.06745), Falcon and Phi add attention and feed-forward
    part to each other first: ``x + (attention(x) + mlp(x))``.
    """
    residual = _attention_residual(graph, query, context_op)
    inner = _addition_behind(graph, residual.branch) if residual is not None else None
    if residual is None or inner is None:
        return residual, None
    context = {node for node in context_op.outputs if node is not None}
    stream = ancestors(residual.skip)
    attention, others = None, []
    for node in sources_of(graph, inner):
        behind = ancestors(node)
        if context & behind:
            attention = node
        elif residual.skip in behind and contracts(behind - stream):
            others.append(node)
    if attention is None or len(others) != 1 or others[0].shape != attention.shape:
        return residual, None
    # A state-space mixer beside the attention, as in Falcon-H1, is no feed-forward part.
    if _kind_of(graph, others[0], {residual.skip}) is not _Kind.FEED_FORWARD:
        return residual, None
    mlp = replace(residual, branch=others[0], inner=inner, beside=attention)
    return replace(residual, branch=attention, inner=inner), mlp


def find_feed_forward(graph: GradientGraph, attention: Residual, taken: set[Op]) -> Residual | None:
    """The addition after the feed-forward part that follows an attention.

    Args:
        graph: the graph.
        attention: where the attention joins the stream.
        taken: the additions at which attentions join it.
    """
    plain: set[Node] = {attention.out}
    # A feed-forward part beside the attention reads the stream before it: the Cohere models.
    computed = _beside(graph, attention)
    for op in graph.ops[graph.ops.index(attention.op) + 1 :]:
        sources = [node for node in dict.fromkeys(op.inputs()) if node in plain or node in computed]
        if not sources:
            continue
        if op in taken:
            return None
        made = [node for node in op.outputs if node is not None and node in graph.nodes]
        if op.func.overloadpacket is aten.add and len(sources) == 2 and made:
            skip = [node for node in sources if node in plain]
            branch = [node for node in sources if node in computed]
            if (
                len(skip) == len(branch) == 1
                and skip[0].shape == branch[0].shape
                and _same_stream(skip[0], attention.out)
            ):
                kind = _kind_of(graph, branch[0], plain | {attention.skip})
                if kind is _Kind.FEED_FORWARD:
                    return Residual(op, skip[0], branch[0], made[0])
                if kind is _Kind.RECURRENT:
                    return None
                # A low-rank part (Gemma 3n) or a convolution (Conformer) was added; the stream goes on.
                return find_feed_forward(graph, Residual(op, made[0], branch[0], made[0]), taken)
        through = op.func.overloadpacket in CONTRACTIONS or any(node in computed for node in sources)
        (computed if through else plain).update(made)
    return None


def find_stacked(
    graph: GradientGraph, attention: Residual, context_op: Op, taken: set[Op]
) -> Residual | None:
    """The first feed-forward part within what an attention's layer adds to the stream.

    A layer may narrow the stream, add the attention to that, let feed-forward parts follow, and then join:
    MobileBERT (https://arxiv.org/abs/2004.02984), whose bottlenecks hold four of them.
    """
    for addition in _additions(graph, context_op):
        if addition.op is attention.op:
            break
        narrowed, known = addition.skip, {addition.skip, addition.branch} <= graph.nodes
        if known and narrowed.shape == addition.out.shape and attention.skip in ancestors(narrowed):
            return find_feed_forward(graph, addition, taken)
    return None


def _attention_residual(graph: GradientGraph, query: Node, context_op: Op) -> Residual | None:
    behind = ancestors(query)
    for addition in _additions(graph, context_op):
        # The skip operand need not depend on `wrt`; then no path uses the skip. The first layer of
        # Whisper's decoder reads the decoder's own tokens, those of DETR and BLIP-2 learned queries.
        other, out = addition.skip, addition.out
        skip = unscaled(graph, other, behind)
        if skip is not None and skip.shape == out.shape and len(out.shape) > 1:
            return replace(addition, skip=skip, scaled=None if skip is other else other)
    return None


def _additions(graph: GradientGraph, context_op: Op) -> Iterator[Residual]:
    """Where what was computed from a context is added to something that was not."""
    ahead = {node for node in context_op.outputs if node is not None}
    for op in graph.ops[graph.ops.index(context_op) + 1 :]:
        operands, out = list(dict.fromkeys(op.inputs())), op.outputs[0]
        computed = [node for node in operands if node in ahead]
        if op.func.overloadpacket is aten.add and len(operands) == 2 and len(computed) == 1:
            (other,) = (node for node in operands if node is not computed[0])
            if out is not None:
                yield Residual(op, other, computed[0], out)
        if computed:
            ahead.update(node for node in op.outputs if node is not None)


def _addition_behind(graph: GradientGraph, node: Node) -> Op | None:
    """The addition of two tensors that made a tensor, up to scaling and dropout; else None."""
    while (op := node.op) is not None and op in graph:
        sources = sources_of(graph, op)
        if op.func.overloadpacket is aten.add and len(sources) == 2:
            return op
        if len(sources) != 1 or op.func.overloadpacket in CONTRACTIONS or sources[0].shape != node.shape:
            return None
        (node,) = sources
    return None


class _Kind(Enum):
    """What is added to a stream."""

    FEED_FORWARD = "an activation between products, each token alone"
    # LAuReL, https://arxiv.org/abs/2411.07501
    LINEAR = "no activation, as in the low-rank part beside the attentions of Gemma 3n"
    # https://arxiv.org/abs/2005.08100; Wav2Vec2-Conformer and Wav2Vec2-BERT
    CONVOLUTION = "neighbours together, as in the middle of a Conformer's layer"
    # https://arxiv.org/abs/2507.22448; Falcon-H1 has it beside the attention
    RECURRENT = "all tokens together, as in state-space models and linear attention"


def _kind_of(graph: GradientGraph, branch: Node, stream: set[Node]) -> _Kind:
    """What lies between the stream and something that is added to it."""
    waiting, seen = [branch], {branch}
    activated, convolved = False, False
    while waiting:
        node = waiting.pop()
        op = node.op
        if node in stream or op is None or op not in graph:
            continue
        packet, sources = op.func.overloadpacket, sources_of(graph, op)
        if packet in _SCANS or (packet in _PRODUCTS and len(sources) == 2):
            return _Kind.RECURRENT
        # Along a sequence; images have convolutions in their feed-forward parts: SegFormer, GLPN, PVTv2
        # (https://arxiv.org/abs/2105.15203).
        convolved |= packet is aten.convolution and _reaches_neighbours(op)
        activated |= len(sources) == 1 and _is_activation(op)
        waiting += [source for source in sources if source not in seen]
        seen.update(sources)
    if convolved:
        return _Kind.CONVOLUTION
    return _Kind.FEED_FORWARD if activated else _Kind.LINEAR


def _is_activation(op: Op) -> bool:
    packet = op.func.overloadpacket
    if isinstance(op.func, CustomFunction) or packet in _ACTIVATIONS:
        return True
    return torch.Tag.pointwise in op.func.tags and packet not in _LINEAR


def _reaches_neighbours(op: Op) -> bool:
    weight = op.args[1]
    return isinstance(weight, Node) and len(weight.shape) == 3 and weight.shape[-1] > 1


def _beside(graph: GradientGraph, attention: Residual) -> set[Node]:
    """Results of a feed-forward part that runs parallel to the attention.

    Computed from the stream before the attention, through a matrix product, and not used by the attention.
    The Cohere models add both to the stream, one after the other, as PaLM does
    (https://arxiv.org/abs/2204.02311).
    """
    reached, computed = {attention.skip}, set[Node]()
    used = ancestors(attention.branch)
    for op in graph.ops:
        if op is attention.op or not any(node in reached for node in op.inputs()):
            continue
        made = [node for node in op.outputs if node is not None and node in graph.nodes and node not in used]
        through = op.func.overloadpacket in CONTRACTIONS or any(node in computed for node in op.inputs())
        reached.update(node for node in op.outputs if node is not None)
        if through:
            computed.update(made)
    return computed


def _same_stream(one: Node, other: Node) -> bool:
    """Whether two tensors have the same tokens and units, with leading dimensions of 1 left out.

    OPT (https://arxiv.org/abs/2205.01068) flattens examples and tokens before its feed-forward part, as its
    copies inside of BLIP-2 and InstructBLIP do.
    """
    same = one.shape[-2:] == other.shape[-2:]
    return same and one.shape[:-2].numel() == other.shape[:-2].numel()
