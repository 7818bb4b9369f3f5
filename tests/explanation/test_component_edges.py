"""The table of edges, and the file that circuit benchmarks read."""

import json

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import build

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def recorded(name, kind="embeds"):
    inputs, call = feed(kind, build(name))
    with sw.record() as tape:
        logits = call(inputs).logits[0]
        score = logits[-1, 3] - logits[-1, 4]
    return tape, score, inputs


def benchmark_edges(layers, heads, *, parallel):
    """As ``Graph.from_model`` of EAP-IG makes them."""
    found, stream = [], ["input"]
    for layer in range(layers):
        own = [f"a{layer}.h{head}" for head in range(heads)]
        found += [f"{node}->{head}<{letter}>" for node in stream for head in own for letter in "qkv"]
        found += [f"{node}->m{layer}" for node in (stream if parallel else stream + own)]
        stream = [*stream, *own, f"m{layer}"]
    return {*found, *(f"{node}->logits" for node in stream)}


@pytest.mark.parametrize(
    ("name", "parallel"),
    [("GPT2LMHeadModel", False), ("BertForMaskedLM", False), ("GPTNeoXForCausalLM", True)],
)
def test_the_file_has_the_edges_of_the_benchmark(tmp_path, name, parallel):
    tape, score, x = recorded(name)
    table = sw.edges(tape, score, x, "mean")
    sw.write_circuit(tmp_path / "edges.json", table)
    written = json.loads((tmp_path / "edges.json").read_text())
    assert written["cfg"] == {"n_layers": 2, "n_heads": 4, "parallel_attn_mlp": parallel, "d_model": 32}
    assert written["edges"].keys() == benchmark_edges(2, 4, parallel=parallel)
    assert list(written["nodes"])[:6] == ["input", "a0.h0", "a0.h1", "a0.h2", "a0.h3", "m0"]
    assert not any(edge["in_graph"] for edge in written["edges"].values())
    assert not any(node["in_graph"] for node in written["nodes"].values())
    scores = [edge["score"] for edge in written["edges"].values()]
    assert sorted(scores) == sorted(table.contribution)
    circuit = sw.circuit(tape, score, x, "mean", k=0.1, of="edges")
    sw.write_circuit(tmp_path / "circuit.json", table, circuit)
    written = json.loads((tmp_path / "circuit.json").read_text())
    kept = {name: edge for name, edge in written["edges"].items() if edge["in_graph"]}
    assert len(kept) == len(circuit.kept) == int(0.1 * len(table))
    assert (
        min(abs(edge["score"]) for edge in kept.values())
        >= table.contribution.abs().nlargest(len(kept)).min()
    )
    touched = {end.split("<")[0] for name in kept for end in name.split("->")}
    assert {name for name, node in written["nodes"].items() if node["in_graph"]} == touched


def test_the_table():
    tape, score, x = recorded("GPT2LMHeadModel")
    table = sw.edges(tape, score, x, semiring="entropy")
    assert "contribution" not in table
    assert table.log_mass.notna().all()
    own = table[(table.source == "a0.h1") & (table.target == "a1.h2") & (table.branch == "key")]
    assert own[["source_kind", "source_layer", "source_head"]].values.tolist() == [["head", 0, 1]]
    assert own[["target_kind", "target_layer", "target_head"]].values.tolist() == [["head", 1, 2]]
    last = table[table.target == "logits"]
    assert last.target_layer.isna().all()
    assert last.branch.isna().all()
    assert table.attrs["width"] == 32
    both = sw.edges(tape, score, x, "zero", semiring="max")
    assert {"contribution", "log_weight"} <= {*both}


def test_what_the_format_does_not_have(tmp_path):
    tape, score, x = recorded("T5ForConditionalGeneration", "seq2seq")
    table = sw.edges(tape, score, x, "zero")
    assert {"input", "input1"} <= {*table.source}
    with pytest.raises(InputError, match="The format has no edge"):
        sw.write_circuit(tmp_path / "t5.json", table)
    with pytest.raises(InputError, match="with a reference"):
        sw.write_circuit(tmp_path / "no.json", sw.edges(tape, score, x))
    parts = sw.circuit(tape, score, x, "zero", k=0.1)
    with pytest.raises(InputError, match="of='edges'"):
        sw.write_circuit(tmp_path / "no.json", table, parts)
    assert not list(tmp_path.iterdir())


def test_several_scores_at_once():
    x = torch.ones(2, 3, 2)
    with sw.record() as tape:
        score = (x * x).sum((1, 2))
    with pytest.raises(InputError, match="one number"):
        sw.edges(tape, score, x, "zero")
