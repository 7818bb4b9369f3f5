"""`edges`: every component-to-component edge as a table, and the file that circuit benchmarks read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.core import Circuit, Semiring, Tape
from semiring_widgets.core.circuits import edge_values
from semiring_widgets.core.weighed_graph import Reference, Rules
from semiring_widgets.errors import InputError

__all__ = ["edges", "write_circuit"]

_WHOLE = ("source_layer", "source_head", "target_layer", "target_head")
_SHORT = {"query": "<q>", "key": "<k>", "value": "<v>"}


def edges(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference | None = None,
    *,
    semiring: str | Semiring = "sum",
    rules: Rules = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Every edge from one component of a transformer to another, with what all paths that use it add up to.

    Sources are the inputs, each head's output and each feed-forward part's output; targets are each head's
    query, key and value, each feed-forward part and the score. The edge between two of them is *all paths
    from the one to the other that meet no third one*: through additions on the residual stream, and through
    the norms beside it (pre-norm: GPT-2, Llama) or on it (post-norm: BERT, where an edge that skips a layer
    passes its norms).

    The ``contribution`` estimates the effect ``before - after`` of giving a target what a source gives under
    the reference: paths of this edge times output minus reference output. Where the stream is a plain sum it
    is edge attribution patching (Syed et al. 2023, arXiv 2310.10348), with ``steps`` that along integrated
    gradients (EAP-IG inputs; Hanna et al. 2024, arXiv 2403.17806), both with the sign of an effect.
    In other semirings (``"abs"``, ``"max"``, ``"entropy"``, your own) the facts are those of all paths from
    the inputs to the score that use the edge.

    All edges cost one backward sweep, and where a semiring is asked for one forward sweep, and their meeting
    on the stream. Every operator, block and rule of the tape counts as in `semiring_widgets.backprop`.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        wrt: the inputs, shape (..., tokens, units) each; a tensor, or a list of them.
        reference: other inputs, shaped as ``wrt``, or another text of any length (`Aligned`), or ``"zero"``,
            or ``"mean"`` for their mean over the tokens. Without one there are no contributions.
        semiring: as in `semiring_widgets.backprop`, by name or as an object. ``"sum"`` with a reference gives
            the contributions alone; without one the plain sum of all paths through each edge.
        rules: which number an edge of the graph carries, as in `semiring_widgets.backprop`; None for the
            tape's. With ``"secant"`` the contributions to the score add up to its change.
        steps: how many steps between reference and inputs the contributions are averaged over; None for the
            derivative at the inputs.
        max_memory: bytes that this may take beside the tape; None for no limit.
        progress: called with (operators done, operators in all) of each sweep; may raise to cancel.

    Returns:
        DataFrame with one row for each edge: ``source`` and ``target`` as circuits name them (``input``,
        ``a3.h2`` for a head, ``m3``, ``logits``), ``branch`` (query, key or value of a head that is read),
        ``source_kind``, ``source_layer``, ``source_head``, ``target_kind``, ``target_layer``,
        ``target_head`` (missing where they do not apply), ``contribution`` in the unit of the score, and the
        semiring's facts. Layers are attentions in order of execution. ``attrs["width"]`` is that of the
        stream.

    Raises:
        InputError: there is no attention, the score has several numbers, a reference does not fit, or a
            semiring is not distributive (branch level).
        MemoryLimitError: it would take more than ``max_memory``.
        TapeError, UnsupportedOpError, NonFiniteError: as `semiring_widgets.backprop`.

    Example:
        >>> words = tokenizer("The keys [MASK] here.", return_tensors="pt").input_ids
        >>> x = model.get_input_embeddings()(words).detach()
        >>> with sw.record() as tape:
        ...     score = model(inputs_embeds=x).logits[0, 3, 7]
        >>> found = sw.edges(tape, score, x, reference="mean")
        >>> len(found), found.columns[:3].tolist()
        (479, ['source', 'target', 'branch'])
        >>> found[found.target == "logits"].source.tolist()[:6]
        ['input', 'a0.h0', 'a0.h1', 'a0.h2', 'a0.h3', 'm0']
    """
    found = edge_values(
        tape,
        score,
        wrt,
        reference,
        semiring=semiring,
        rules=rules,
        steps=steps,
        max_memory=max_memory,
        progress=progress,
    )
    table = pd.DataFrame(found.rows())
    table[list(_WHOLE)] = table[list(_WHOLE)].astype("Int64")
    table.attrs["width"] = found.width
    return table


def write_circuit(path: str | PathLike[str], edges: pd.DataFrame, circuit: Circuit | None = None) -> None:
    """Write edges, and perhaps a circuit, as the JSON that ``eap.graph.Graph.from_json`` reads.

    That is the file of EAP-IG (https://github.com/hannamw/EAP-IG) which the circuit track of the Mechanistic
    Interpretability Benchmark takes: ``cfg``, ``nodes`` (``in_graph``) and ``edges`` (``score``,
    ``in_graph``), the edges by name: ``a0.h1->a3.h2<q>``. Its scores are contributions with the sign of an
    effect; the benchmark ranks by absolute value, or by value with the same sign.

    Args:
        path: where to.
        edges: of a decoder or an encoder alone, from `edges`, with contributions.
        circuit: of edges, from `semiring_widgets.circuit`: what is ``in_graph``. Without one nothing is.

    Raises:
        InputError: other edges than the format has: several inputs, cross-attention; or a circuit of parts.

    Example:
        >>> words = tokenizer("The keys [MASK] here.", return_tensors="pt").input_ids
        >>> x = model.get_input_embeddings()(words).detach()
        >>> with sw.record() as tape:
        ...     score = model(inputs_embeds=x).logits[0, 3, 7]
        >>> sw.write_circuit("circuit.json", sw.edges(tape, score, x, reference="mean"))
        >>> import json
        >>> from pathlib import Path
        >>> written = json.loads(Path("circuit.json").read_text())
        >>> written["cfg"], written["edges"]["a0.h1->a1.h2<q>"]["in_graph"]
        ({'n_layers': 4, 'n_heads': 4, 'parallel_attn_mlp': False, 'd_model': 128}, False)
    """
    if circuit is not None and circuit.of != "edges":
        raise InputError(f"circuit is one of {circuit.of}; give one of edges: sw.circuit(..., of='edges').")
    if "contribution" not in getattr(edges, "columns", ()):
        raise InputError(f"edges is {shown(edges)}; give what sw.edges gives with a reference.")
    rows: list[Any] = edges.to_dict("records")
    kept = set() if circuit is None else {_name(row) for row in circuit.kept}
    config = _config(edges, rows)
    scores = {_name(row): float(row["contribution"]) for row in rows}
    wrong = scores.keys() - _names(config)
    if wrong:
        raise InputError(
            f"The format has no edge {min(wrong)}; it is made for one stream of layers that each have an "
            f"attention and a feed-forward part."
        )
    used = {end for name in kept for end in name.split("<")[0].split("->")}
    nodes = ["input", *_components(config), "logits"]
    written = {
        "cfg": config,
        "nodes": {node: {"in_graph": node in used} for node in nodes},
        "edges": {name: {"score": score, "in_graph": name in kept} for name, score in scores.items()},
    }
    Path(path).write_text(json.dumps(written), encoding="utf-8")


def _name(row: Any) -> str:
    return f"{row['source']}->{row['target']}{_SHORT.get(row['branch'], '')}"


def _config(edges: pd.DataFrame, rows: Sequence[Any]) -> dict[str, Any]:
    within = (row for row in rows if row["source_layer"] == row["target_layer"])
    beside = [row["source_kind"] == "head" and row["target_kind"] == "mlp" for row in within]
    return {
        "n_layers": int(edges["target_layer"].max()) + 1,
        "n_heads": int(edges["target_head"].max()) + 1,
        "parallel_attn_mlp": not any(beside),
        "d_model": int(edges.attrs.get("width", 0)),
    }


def _components(config: dict[str, Any]) -> list[str]:
    found = []
    for layer in range(config["n_layers"]):
        found += [f"a{layer}.h{head}" for head in range(config["n_heads"])]
        found.append(f"m{layer}")
    return found


def _names(config: dict[str, Any]) -> set[str]:
    """Every edge of the format."""
    found, before = set(), ["input"]
    for layer in range(config["n_layers"]):
        heads = [f"a{layer}.h{head}" for head in range(config["n_heads"])]
        found |= {f"{one}->{head}{end}" for one in before for head in heads for end in _SHORT.values()}
        read = before if config["parallel_attn_mlp"] else before + heads
        found |= {f"{one}->m{layer}" for one in read}
        before = [*before, *heads, f"m{layer}"]
    return found | {f"{one}->logits" for one in before}
