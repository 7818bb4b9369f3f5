"""Layers and heads that were found in the graph are those that the configuration asked for."""

import pytest

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy, head_map
from semiring_widgets.core.anatomy.ancestry import ancestors
from semiring_widgets.core.graph import GradientGraph, find_nodes
from tests.core.zoo.feeding import feed, weigh
from tests.core.zoo.shrinking import build, first_of
from tests.core.zoo.table import TABLE, by_lane

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def of_tower(config):
    heads = first_of(config, "num_attention_heads", "num_heads")
    return [heads] * first_of(config, "num_hidden_layers", "depth")


def by_configuration(config, kind):
    """Heads of every attention between the inputs and the output."""
    if kind == "pictured":
        return [*of_tower(config.vision_config), *of_tower(config.get_text_config())]
    if kind == "clip":
        config = config.vision_config
    if kind != "seq2seq":
        return of_tower(config)
    # T5Gemma has a configuration for each of the two.
    reader, writer = getattr(config, "encoder", config), getattr(config, "decoder", config)
    heads = first_of(reader, "encoder_attention_heads", "num_attention_heads")
    encoder = [heads] * first_of(reader, "encoder_layers", "num_layers", "num_hidden_layers")
    heads = first_of(writer, "decoder_attention_heads", "num_attention_heads")
    return encoder + [heads] * 2 * first_of(
        writer, "decoder_layers", "num_decoder_layers", "num_hidden_layers"
    )


# The others have no such number, or other attentions than one per layer: see the table.
@pytest.mark.parametrize(
    "row", by_lane(row for row in TABLE if row.attentions is None), ids=lambda row: row.name
)
def test_layers_and_heads(row):
    model = build(row.name, **row.changes)
    inputs, call = feed(row.kind, model)
    # Two examples: heads must not be taken for examples. An image among words belongs to one text.
    if row.kind != "pictured":
        inputs = [tensor.repeat(2, *(1 for _ in tensor.shape[1:])) for tensor in inputs]
    with sw.record() as tape:
        score = weigh(call(inputs))
    found = find_anatomy(GradientGraph(tape, *find_nodes(tape, score, inputs))).attentions
    assert [part.heads for part in found] == by_configuration(model.config, row.kind)


def test_an_attention_in_one_step_says_what_is_not_known_of_it():
    model = build("YosoForMaskedLM")
    inputs, call = feed("embeds", model)
    with sw.record() as tape:
        score = weigh(call(inputs))
    graph = GradientGraph(tape, *find_nodes(tape, score, inputs))
    attention = find_anatomy(graph).attentions[1]
    # Its three operands, told by what they do to the result, are those of the model's three matrices.
    for name, operand in attention.operands.items():
        made = [node.op.scope.module for node in ancestors(operand.node) if node.op is not None]
        assert f"yoso.encoder.layer.1.attention.self.{name}" in made
    with pytest.raises(sw.SemiringWidgetsError, match="not from token to token"):
        head_map(graph, attention, 0, {}, {})
