"""`flow`: how much passes through every layer, token, head and branch, as a labelled table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.checks import memory_limit, truth
from semiring_widgets.core import Tape
from semiring_widgets.core.anatomy import (
    Anatomy,
    Attention,
    LayerFlow,
    Parts,
    find_embeddings,
    summed,
)
from semiring_widgets.core.graph import find_nodes, listed, told_cut
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths import SIGNED, Flow, Ground, Paths, cancellation, directions_of, narrowed
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Abs, Max, Product, Semiring, Sum, Value
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.core.weighed_graph import Reference, Rules, weighed_graph
from semiring_widgets.errors import InputError
from semiring_widgets.results.schema import empty_dataset
from semiring_widgets.vocabulary import BRANCHES, KINDS

__all__ = ["FLOW", "cells", "fill_layer", "fill_tokens", "flow", "share", "sizes_of", "totals_of"]

Values = Mapping[Node, Value]
# Mass and best path together: the two often disagree, so they are never computed apart.
FLOW = Product(Abs(), Max())
# The same and the gradient in one sweep.
_BOTH = Product(Abs(), Max(), Sum())


@in_full_precision
def flow(
    tape: Tape | Paths,
    score: Tensor | None = None,
    wrt: Tensor | Sequence[Tensor] | Mapping[str, Tensor] | None = None,
    *,
    direction: Tensor | Sequence[Tensor] | None = None,
    maps: bool = True,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> xr.Dataset:
    """Share of the mass, and best path, through every part of the model: alpha times beta.

    Args:
        tape: the finished tape; or a set of paths, which is then all that is needed.
        score: a single number, shape () or (1,).
        wrt: the token embeddings (..., tokens, units) used inside the recording, a list of such streams, or a
            dict that names them. None takes every embedding that the model itself looks up before its first
            layer (words, positions, segments), named by module.
        direction: of the contributions, shaped as ``wrt``; None for the inputs themselves.
        maps: whether to include ``map``, L·H·3·T·T values twice.
        through: only paths through all of these parts, as `Paths.through`. Shares are then of these paths.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        rules: which number an edge carries, as in `semiring_widgets.backprop`; None for the tape's.
        reference: for rules that compare with one; None for the tape's.
        max_memory: bytes that this may take beside the tape and its own result; None for no limit.

    Returns:
        Dataset with these variables each of ``input`` (input, token), ``node`` (layer, token), ``branch``
        (layer, branch, token), ``head`` (layer, head, kind) and ``map`` (layer, head, kind, query, key):

        * ``_mass_share``: share of the sum of |weight| over all paths, 0-1;
        * ``_best_log_weight``: log |weight| of the best path through this part (nats);
        * ``_best_share``: the same relative to the best path of all, 0-1; 1 where that one passes;
        * ``_contribution`` (not of ``map``): signed sum over the paths through it of weight times the
          direction's entry where the path begins: gradient times input by this part alone;
        * ``_cancellation`` (not of ``map``): |contribution| relative to the sum of the absolute values, 0-1.

        ``kind`` is the operand (query, key, value) by which a path enters a head. Layers are the attentions
        found, in order of execution, named by ``layer_name``; NaN where a layer has no such part. Tokens of
        an image are numbered row by row where ``columns`` says how many are in a row. Keys that are averages
        of tokens, as LongT5 may have besides its window, and keys that are constants, as those of a prefix,
        have places after the last token. Where ``tokens_of`` is "window", those of a layer's heads are
        positions in its windows, all windows together. The map of an attention that is one
        `torch.autograd.Function` is not known.

    Raises:
        InputError: the score has several numbers, or the graph holds no attention.
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `semiring_widgets.backprop`.

    Example:
        >>> words = tokenizer("The keys [MASK] here.", return_tensors="pt").input_ids
        >>> x = model.get_input_embeddings()(words).detach()
        >>> with sw.record() as tape:
        ...     score = model(inputs_embeds=x).logits[0, 3, 7]
        >>> found = flow(tape, score, x)
        >>> found.head_mass_share.dims
        ('layer', 'head', 'kind')

        At every layer, all mass crosses the stream.

        >>> found.node_mass_share.sum("token").round(3).values.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    maps = truth(maps, "maps")
    if isinstance(tape, Paths):
        if any(given is not None for given in (score, wrt, rules, reference, max_memory)):
            raise InputError(
                "A set of paths knows its score, its inputs, its rules and its limit: give no score, wrt, "
                "rules, reference or max_memory beside it. A limit is given to sw.paths."
            )
        whole, inputs = tape, [str(number) for number in range(len(tape.graph.wrt))]
    else:
        whole, inputs = _everything(tape, score, wrt, max_memory, rules, reference)
    paths = narrowed(whole, through, avoiding, leaving_skip)
    graph, anatomy = paths.graph, paths.anatomy
    if not anatomy.attentions:
        raise InputError(
            f"{told_cut(graph)}There is no attention between these inputs and the score, so there are "
            "no layers to measure the flow of. Use sw.backprop, sw.top_paths or sw.sample_paths, which "
            "need none."
        )
    nodes = anatomy.nodes() | set(graph.wrt)
    tangents = nodes if paths.cuts else _largest(anatomy)
    fit(graph, paths.limit, "flow", sweeps=[_BOTH], kept=[(_BOTH, nodes), (SIGNED, tangents)])
    directions = directions_of(graph, direction)
    longest = max((start.token_shape[1] for start in graph.wrt), default=1)
    dataset = empty_dataset(*sizes_of(anatomy, longest), maps=maps)
    if maps:
        dataset["map_best_log_weight"] = dataset["map_mass_share"] * np.nan
    beta, signed_beta = _cotangents(paths, nodes)

    def fill(attention: Attention, found: Flow) -> None:
        log_mass, _ = totals_of(found)
        fill_layer(dataset, attention, found.layer(attention), log_mass)
        if maps and attention.weights is not None:
            _fill_maps(dataset, attention, found, log_mass)

    found = paths.flow(FLOW, beta=beta, visit=fill)
    log_mass, best = totals_of(found)
    dataset = _with_inputs(dataset, inputs, [found.start(node) for node in graph.wrt], log_mass)
    dataset = _with_contributions(dataset, paths, directions, signed_beta)
    names = [attention.module for attention in anatomy.attentions]
    dataset = dataset.assign_coords({"layer_name": ("layer", names), **_places(anatomy)})
    dataset.attrs.update(
        granularity=graph.tape.granularity, rules=graph.rule.name, level="unit", log_mass=log_mass
    )
    parts = [part for part in ("input", "node", "branch", "head", "map") if f"{part}_mass_share" in dataset]
    for part in parts:
        dataset[f"{part}_best_share"] = np.exp(dataset[f"{part}_best_log_weight"] - best)
        dataset[f"{part}_best_share"].attrs["long_name"] = "best path through it relative to the best of all"
    facts = ("mass_share", "best_log_weight", "best_share", "contribution", "cancellation")
    names = [f"{part}_{fact}" for part in parts for fact in facts]
    return dataset[[name for name in names if name in dataset]]


def _places(anatomy: Anatomy) -> dict[str, tuple[str, list[Any]]]:
    """What the tokens of the layers are, where some are no plain sequence."""
    found: dict[str, tuple[str, list[Any]]] = {}
    if any(attention.grid for attention in anatomy.attentions):
        grids = [attention.grid or (np.nan, np.nan) for attention in anatomy.attentions]
        for i, name in enumerate(("rows", "columns")):
            found[name] = "layer", [float(grid[i]) for grid in grids]
    if any(attention.in_windows for attention in anatomy.attentions):
        of = ["window" if attention.in_windows else "stream" for attention in anatomy.attentions]
        found["tokens_of"] = "layer", of
    return found


def _everything(
    tape: Tape,
    score: Tensor | None,
    wrt: Tensor | Sequence[Tensor] | Mapping[str, Tensor] | None,
    max_memory: int | None,
    rules: Rules,
    reference: Reference | None,
) -> tuple[Paths, list[str]]:
    """All paths to a score, and the names of their inputs."""
    given: Any = score
    if wrt is None:
        node, _ = find_nodes(tape, given, [])
        named = find_embeddings(tape, node)
        if not named:
            raise InputError(
                "No embedding is looked up before the first attention of this recording, so there is nothing "
                "to measure the flow from. Give the tensors that paths start from as wrt."
            )
    else:
        many = dict(wrt) if isinstance(wrt, Mapping) else {str(n): one for n, one in enumerate(listed(wrt))}
        node, starts = find_nodes(tape, given, list(many.values()))
        named = dict(zip(many, starts, strict=True))
    if node.shape.numel() != 1:
        raise InputError(f"score has shape {list(node.shape)}; flow is measured for one number at a time.")
    graph = weighed_graph(tape, node, list(named.values()), rules, reference)
    return Paths(Ground(graph, keeps=False), limit=memory_limit(max_memory), asked_by="flow"), list(named)


def _largest(anatomy: Anatomy) -> set[Node]:
    """The parts of the layer with the most elements: tangents are kept of one layer at a time."""
    layers = (Anatomy((layer,)).nodes() for layer in anatomy.attentions)
    return max(layers, key=lambda nodes: sum(node.shape.numel() for node in nodes))


def _cotangents(paths: Paths, nodes: set[Node]) -> tuple[Values | None, Values | None]:
    """Cotangents in `FLOW` and `SIGNED`, by one sweep for both; None where they are pairs, told apart."""
    if paths.leaves:
        return None, None
    nodes = nodes | {edge.target for cut in paths.cuts for edge in cut.edges}
    both = sweep_backward(paths.graph, _BOTH, Span(keep=nodes), paths.restriction)
    flow, signed = (
        {
            node: product.join({type(f): _BOTH.part(value, type(f)) for f in product.factors})
            for node, value in both.items()
        }
        for product in (FLOW, SIGNED)
    )
    return flow, signed


def _with_inputs(
    dataset: xr.Dataset, names: Sequence[str], starts: Sequence[Value], log_mass: float
) -> xr.Dataset:
    """What starts at every token of every input."""
    shape = len(names), dataset.sizes["token"]
    shares, best = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    for row, (mass, weight) in enumerate(starts):
        shares[row, : len(mass)] = share(mass, log_mass)
        best[row, : len(weight)] = weight.cpu().numpy()
    return dataset.assign(
        input_mass_share=(("input", "token"), shares, {"long_name": "share of mass that starts here"}),
        input_best_log_weight=(("input", "token"), best, {"long_name": "best path from here (nats)"}),
    ).assign_coords(input=list(names))


def _with_contributions(
    dataset: xr.Dataset, paths: Paths, directions: Mapping[Node, Tensor], beta: Values | None
) -> xr.Dataset:
    """The signed sums along the directions, and how much of them cancels."""
    parts = ("input", "node", "branch", "head")
    found = {part: dataset[f"{part}_mass_share"].astype(np.float64) * np.nan for part in parts}
    masses = {part: found[part].copy() for part in parts}

    def write(part: str, place: tuple[int | slice, ...], value: Value) -> None:
        for table, factor in ((found, Sum), (masses, Abs)):
            (numbers,) = SIGNED.part(value, factor)
            table[part].values[place] = numbers.double().cpu().numpy()

    def fill(attention: Attention, flow: Flow) -> None:
        for part, place, value in cells(SIGNED, attention, flow.layer(attention)):
            write(part, place, value)

    flow = paths.flow(SIGNED, direction=directions, beta=beta, visit=fill)
    for row, node in enumerate(paths.graph.wrt):
        started = flow.start(node)
        write("input", (row, slice(len(started[0]))), started)
    for part in parts:
        ratio = cancellation(torch.from_numpy(found[part].values), torch.from_numpy(masses[part].values))
        dataset[f"{part}_contribution"] = found[part].assign_attrs(long_name="signed sum along the direction")
        dataset[f"{part}_cancellation"] = (
            found[part]
            .copy(data=ratio.numpy())
            .assign_attrs(long_name="|signed sum| relative to the sum of absolute values (0-1)")
        )
    return dataset


def _fill_maps(dataset: xr.Dataset, attention: Attention, flow: Flow, log_mass: float) -> None:
    """Every head's flow between tokens."""
    rows, columns = attention.query.tokens, attention.key.tokens
    for head in range(attention.heads):
        masses, bests = (flow.head_map(attention, head, factor) for factor in (Abs, Max))
        for kind, name in enumerate(KINDS):
            place = (attention.index, head, kind, slice(rows), slice(columns))
            dataset["map_mass_share"].values[place] = share(masses[name], log_mass)
            dataset["map_best_log_weight"].values[place] = bests[name].cpu().numpy()


def sizes_of(anatomy: Anatomy, tokens: int = 0) -> tuple[int, int, int]:
    """Layers, most heads, longest stream."""
    attentions = anatomy.attentions
    longest = max([tokens, *(o.tokens for a in attentions for o in a.operands.values())])
    streams = [r.tokens for a in attentions for r in (a.residual, a.mlp) if r is not None]
    longest = max([longest, *streams])
    return len(attentions), max((a.heads for a in attentions), default=0), longest


def fill_layer(dataset: xr.Dataset, attention: Attention, found: LayerFlow, log_mass: float) -> None:
    """Write one layer's flow into its cells.

    Args:
        dataset: from `empty_dataset`; changed.
        attention: the layer.
        found: its flow in the `FLOW` semiring.
        log_mass: of all paths, which shares are relative to.
    """
    for part, place, (mass, best) in cells(FLOW, attention, found):
        dataset[f"{part}_mass_share"].values[place] = share(mass, log_mass)
        dataset[f"{part}_best_log_weight"].values[place] = best.cpu().numpy()


def totals_of(flow: Flow) -> tuple[float, float]:
    """Log mass of all paths of a flow in `FLOW`, and log |weight| of the best."""
    (mass,), (best,) = (FLOW.part(flow.total, factor) for factor in (Abs, Max))
    return float(mass), float(best)


def fill_tokens(dataset: xr.Dataset, started: Value, log_mass: float) -> None:
    """Write what starts at each token into its cell.

    Args:
        dataset: from `empty_dataset`; changed.
        started: values in the `FLOW` semiring, by token.
        log_mass: of all paths, which shares are relative to.
    """
    mass, best = started
    dataset["token_mass_share"].values[: len(mass)] = share(mass, log_mass)
    dataset["token_best_log_weight"].values[: len(best)] = best.cpu().numpy()


def share(log_mass: Tensor, of: float) -> NDArray[np.float64]:
    """Log masses as shares 0-1 of all mass."""
    if of == float("-inf"):
        return np.zeros(tuple(log_mass.shape))
    shares: NDArray[np.float64] = torch.exp(log_mass.double() - of).cpu().numpy()
    return shares


def cells(
    semiring: Semiring, attention: Attention, found: LayerFlow
) -> Iterator[tuple[str, tuple[int | slice, ...], Value]]:
    """Where each part of a layer stands in the dataset: variable's prefix, place, value."""
    layer = attention.index
    if found.stream is not None:
        yield "node", (layer, slice(len(found.stream[0]))), found.stream
    for name, value in found.branches.items():
        yield "branch", (layer, BRANCHES.index(name), slice(len(value[0]))), value
    for kind, name in enumerate(KINDS):
        by_head = summed(semiring, found.heads[name], 1)
        yield "head", (layer, slice(len(by_head[0])), kind), by_head
