"""`flow`: how much passes through every layer, token, head and branch, as a labelled table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from semiring_widgets.checks import memory_limit, truth
from semiring_widgets.core import Tape
from semiring_widgets.core.anatomy import (
    Anatomy,
    Attention,
    Parts,
    count_examples,
    find_embeddings,
    texts_of,
    tokens_of_texts,
)
from semiring_widgets.core.graph import find_nodes, listed, told_cut
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths import SIGNED, Flow, Ground, Paths, cancellation, directions_of, narrowed
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Abs, Max, Product, Sum, Value
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.core.weighed_graph import Reference, Rules, weighed_graph
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.flow_cells import (
    FLOW,
    cells,
    fill_layer,
    mass_and_best,
    share,
    sizes_of,
    totals_of,
)
from semiring_widgets.results.schema import empty_dataset
from semiring_widgets.vocabulary import KINDS

__all__ = ["Visit", "flow", "flow_of_batch"]

Values = Mapping[Node, Value]
# Told of each layer while its tangents are there: the layer, its flow in `FLOW`, the texts' log masses.
Visit = Callable[[Attention, Flow, Sequence[float]], None]
# Mass, best path and gradient in one sweep.
_BOTH = Product(Abs(), Max(), Sum())


@in_full_precision
def flow(
    tape: Tape | Paths,
    score: Tensor | None = None,
    wrt: Tensor | Sequence[Tensor] | Mapping[str, Tensor] | None = None,
    *,
    direction: Tensor | Sequence[Tensor] | None = None,
    maps: bool | None = None,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    rules: Rules = None,
    reference: Reference | None = None,
    max_memory: int | None = None,
) -> xr.Dataset:
    """Share of the mass, and best path, through every part of the model.

    A sweep forward gives all paths to a part, a sweep backward all paths from it to the score; one times the
    other is all paths through it.

    Args:
        tape: the finished tape; or a set of paths, which is then all that is needed.
        score: what is explained, shape () or (B,) for one distribution of paths per example.
        wrt: the token embeddings (..., tokens, units) used inside the recording, a list of such streams, or a
            dict that names them. None takes every embedding that the model itself looks up before its first
            layer (words, positions, segments), named by module.
        direction: of the contributions, shaped as ``wrt``; None for the inputs themselves.
        maps: whether to include ``map``, L·H·3·T·T values twice; None for yes where there is one score.
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
        `torch.autograd.Function` is not known. Of several scores all has a first dimension ``example``, and
        shares are those of the example's own paths.

    Raises:
        InputError: the graph holds no attention, or there are several scores where examples cannot be told
            apart, or where maps or paths through some parts are asked for.
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
    maps = None if maps is None else truth(maps, "maps")
    if isinstance(tape, Paths):
        if any(given is not None for given in (score, wrt, rules, reference, max_memory)):
            raise InputError(
                "A set of paths knows its score, its inputs, its rules and its limit: give no score, wrt, "
                "rules, reference or max_memory beside it. A limit is given to sw.paths."
            )
        whole, inputs = tape, [str(number) for number in range(len(tape.graph.wrt))]
    else:
        whole, inputs = _everything(tape, score, wrt, max_memory, rules, reference)
    return _measured(narrowed(whole, through, avoiding, leaving_skip), inputs, direction, maps)


@in_full_precision
def flow_of_batch(
    tape: Tape, scores: Tensor, wrt: Sequence[Tensor], direction: Sequence[Tensor], visit: Visit
) -> xr.Dataset:
    """`flow` of several texts, without maps, which a caller may sum up as the layers come.

    Args:
        tape: the finished tape.
        scores: (examples,).
        wrt: inputs, (examples, tokens, units) each.
        direction: shaped as these.
        visit: called with every layer.

    Returns:
        As `flow`, with a dimension ``example``, be it of one.
    """
    paths, inputs = _everything(tape, scores, wrt, None, None, None)
    found = _measured(paths, inputs, direction, False, visit)
    return found if "example" in found.dims else found.expand_dims("example")


def _measured(
    paths: Paths,
    inputs: Sequence[str],
    direction: Tensor | Sequence[Tensor] | None,
    maps: bool | None,
    visit: Visit | None = None,
) -> xr.Dataset:
    graph, anatomy = paths.graph, paths.anatomy
    if not anatomy.attentions:
        raise InputError(
            f"{told_cut(graph)}There is no attention between these inputs and the score, so there are "
            "no layers to measure the flow of. Use sw.backprop, sw.top_paths or sw.sample_paths, which "
            "need none."
        )
    examples = count_examples(graph, anatomy)
    if examples > 1 and (maps or paths.narrowed):
        what, instead = ("maps are", "maps=False") if maps else ("some of the paths are", "all paths")
        raise InputError(
            f"score has {examples} numbers, and {what} told of one example at a time: give {instead}, or "
            f"score[i] as computed in the recording."
        )
    maps = maps is not False and examples == 1
    nodes = anatomy.nodes() | set(graph.wrt)
    tangents = nodes if paths.cuts else _largest(anatomy)
    fit(graph, paths.limit, "flow", sweeps=[_BOTH], kept=[(_BOTH, nodes), (SIGNED, tangents)])
    directions = directions_of(graph, direction)
    longest = max((start.token_shape[1] for start in graph.wrt), default=1)
    empty = empty_dataset(*sizes_of(anatomy, longest), maps=maps)
    if maps:
        empty["map_best_log_weight"] = empty["map_mass_share"] * np.nan
    texts = [empty.copy(deep=True) for _ in range(examples)]
    beta, signed_beta = _cotangents(paths, nodes)

    def fill(attention: Attention, found: Flow) -> None:
        totals = _totals(found, examples)
        for text, own, (log_mass, _) in zip(
            texts, texts_of(found.layer(attention), examples), totals, strict=True
        ):
            fill_layer(text, attention, own, log_mass)
        if maps and attention.weights is not None:
            _fill_maps(texts[0], attention, found, totals[0][0])
        if visit is not None:
            visit(attention, found, [log_mass for log_mass, _ in totals])

    found = paths.flow(FLOW, beta=beta, visit=fill)
    totals = _totals(found, examples)
    starts = zip(*(tokens_of_texts(found.start(node), examples) for node in graph.wrt), strict=True)
    texts = [
        _with_inputs(text, inputs, own, log_mass)
        for text, own, (log_mass, _) in zip(texts, starts, totals, strict=True)
    ]
    texts = _with_contributions(texts, paths, directions, signed_beta)
    texts = [_with_best_shares(text, best) for text, (_, best) in zip(texts, totals, strict=True)]
    dataset = (
        texts[0]
        if examples == 1
        else xr.concat(texts, "example", coords="minimal", join="override", combine_attrs="override")
    )
    names = [attention.module for attention in anatomy.attentions]
    dataset = dataset.assign_coords({"layer_name": ("layer", names), **_places(anatomy)})
    log_masses = [log_mass for log_mass, _ in totals]
    dataset.attrs.update(
        granularity=graph.tape.granularity,
        rules=graph.rule.name,
        level="unit",
        log_mass=log_masses[0] if examples == 1 else log_masses,
    )
    facts = ("mass_share", "best_log_weight", "best_share", "contribution", "cancellation")
    names = [f"{part}_{fact}" for part in _parts_in(dataset) for fact in facts]
    return dataset[[name for name in names if name in dataset]]


def _parts_in(dataset: xr.Dataset) -> list[str]:
    return [part for part in ("input", "node", "branch", "head", "map") if f"{part}_mass_share" in dataset]


def _with_best_shares(text: xr.Dataset, best: float) -> xr.Dataset:
    """With the best paths relative to the best of all, whose log |weight| is given."""
    said = {"long_name": "best path through it relative to the best of all"}
    shares: dict[str, Any] = {
        part: np.exp(text[f"{part}_best_log_weight"] - best) for part in _parts_in(text)
    }
    return text.assign({f"{part}_best_share": values.assign_attrs(said) for part, values in shares.items()})


def _totals(flow: Flow, examples: int) -> list[tuple[float, float]]:
    """Log mass of all paths and log |weight| of the best, by example."""
    if examples == 1:
        return [totals_of(flow)]
    starts = zip(*(tokens_of_texts(flow.start(node), examples) for node in flow.graph.wrt), strict=True)
    return [mass_and_best(FLOW.total(own)) for own in starts]


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


class _Signed:
    """The signed sums of one text, and the sums of absolute values that they are compared with.

    Args:
        dataset: with the shares of mass; `written` adds to it.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        parts = ("input", "node", "branch", "head")
        self._dataset = dataset
        self._sums = {part: dataset[f"{part}_mass_share"].astype(np.float64) * np.nan for part in parts}
        self._masses = {part: self._sums[part].copy() for part in parts}

    def put(self, part: str, place: tuple[int | slice, ...], value: Value) -> None:
        """Note a value in `SIGNED`."""
        for table, factor in ((self._sums, Sum), (self._masses, Abs)):
            (numbers,) = SIGNED.part(value, factor)
            table[part].values[place] = numbers.double().cpu().numpy()

    def written(self) -> xr.Dataset:
        """The dataset with contributions, and how much of them cancels."""
        new = {}
        for part, sums in self._sums.items():
            ratio = cancellation(torch.from_numpy(sums.values), torch.from_numpy(self._masses[part].values))
            new[f"{part}_contribution"] = sums.assign_attrs(long_name="signed sum along the direction")
            new[f"{part}_cancellation"] = sums.copy(data=ratio.numpy()).assign_attrs(
                long_name="|signed sum| relative to the sum of absolute values (0-1)"
            )
        # At once: each merge looks through all that is there.
        return self._dataset.assign(new)


def _with_contributions(
    texts: Sequence[xr.Dataset], paths: Paths, directions: Mapping[Node, Tensor], beta: Values | None
) -> list[xr.Dataset]:
    """The signed sums along the directions, and how much of them cancels, of every text."""
    found = [_Signed(text) for text in texts]

    def fill(attention: Attention, flow: Flow) -> None:
        for text, own in zip(found, texts_of(flow.layer(attention), len(texts)), strict=True):
            for part, place, value in cells(SIGNED, attention, own):
                text.put(part, place, value)

    flow = paths.flow(SIGNED, direction=directions, beta=beta, visit=fill)
    for row, node in enumerate(paths.graph.wrt):
        for text, started in zip(found, tokens_of_texts(flow.start(node), len(texts)), strict=True):
            text.put("input", (row, slice(len(started[0]))), started)
    return [text.written() for text in found]


def _fill_maps(dataset: xr.Dataset, attention: Attention, flow: Flow, log_mass: float) -> None:
    """Every head's flow between tokens."""
    rows, columns = attention.query.tokens, attention.key.tokens
    for head in range(attention.heads):
        masses, bests = (flow.head_map(attention, head, factor) for factor in (Abs, Max))
        for kind, name in enumerate(KINDS):
            place = (attention.index, head, kind, slice(rows), slice(columns))
            dataset["map_mass_share"].values[place] = share(masses[name], log_mass)
            dataset["map_best_log_weight"].values[place] = bests[name].cpu().numpy()
