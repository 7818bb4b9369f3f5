"""Every heuristic of the anatomy is for the models that its comment names: without it, they are misread.

Each is switched off in turn: a heuristic that changes nothing in a class that it names is not for it.
"""

import inspect

import pytest

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from tests.core.zoo.feeding import feed, normal, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import TABLE

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

ATTENTIONS = inspect.getmodule(find_anatomy)
SOFTMAX_CORES = inspect.getmodule(ATTENTIONS.find_cores)
RESIDUALS = inspect.getmodule(ATTENTIONS.find_joined)


def nothing(*_):
    return None


def only_itself(graph, node, among):
    return node if node in among else None


def with_paths_only(graph, query, context_op, *, find=RESIDUALS._attention_residual):
    residual = find(graph, query, context_op)
    return residual if residual is None or residual.skip in graph.nodes else None


def a_feed_forward_part(graph, branch, stream):
    return RESIDUALS._Kind.FEED_FORWARD


def convolves(op):
    return op.args[1].shape[2:].numel() > 1


def equal(one, other):
    return one.shape == other.shape


def without_sinks(part, weights):
    return part.shape[-2:] == weights.shape[-2:]


# Where it is, what it is called, what takes its place, and the classes that it is for.
HEURISTICS = [
    (RESIDUALS, "unscaled", only_itself, "DogeForCausalLM MiniMaxForCausalLM"),
    (
        RESIDUALS,
        "_attention_residual",
        with_paths_only,
        "WhisperForConditionalGeneration DetrForObjectDetection Blip2ForConditionalGeneration",
    ),
    (
        RESIDUALS,
        "_addition_behind",
        nothing,
        "GPTJForCausalLM CodeGenForCausalLM GPTNeoXForCausalLM FalconForCausalLM PhiForCausalLM",
    ),
    (RESIDUALS, "_beside", lambda *_: set(), "CohereForCausalLM Cohere2ForCausalLM"),
    (RESIDUALS, "_kind_of", a_feed_forward_part, "Gemma3nForCausalLM FalconH1ForCausalLM"),
    (RESIDUALS, "_kind_of", a_feed_forward_part, "Wav2Vec2ConformerForCTC Wav2Vec2BertForCTC"),
    (
        RESIDUALS,
        "_reaches_neighbours",
        convolves,
        "SegformerForImageClassification PvtV2ForImageClassification GLPNForDepthEstimation",
    ),
    (RESIDUALS, "_same_stream", equal, "OPTForCausalLM InstructBlipForConditionalGeneration"),
    (RESIDUALS, "_ACTIVATIONS", set(), "DabDetrForObjectDetection"),
    (ATTENTIONS, "find_stacked", nothing, "MobileBertForMaskedLM"),
    (
        ATTENTIONS,
        "find_layout",
        nothing,
        "SqueezeBertForMaskedLM XLNetLMHeadModel FSMTForConditionalGeneration SamVisionModel",
    ),
    (
        ATTENTIONS,
        "_followed",
        nothing,
        "LongT5ForConditionalGeneration SwinForImageClassification HieraForImageClassification",
    ),
    (ATTENTIONS, "_followed", nothing, "ProphetNetForConditionalGeneration"),
    (ATTENTIONS, "_grid", nothing, "SwinForImageClassification SamVisionModel VitDetModel"),
    (SOFTMAX_CORES, "_is_own_softmax", lambda *_: False, "SEWDForCTC"),
    (SOFTMAX_CORES, "operands_of_step", nothing, "YosoForMaskedLM"),
    (SOFTMAX_CORES, "paired", nothing, "LongformerForMaskedLM LEDForConditionalGeneration"),
    (SOFTMAX_CORES, "_same_rows", without_sinks, "GptOssForCausalLM MiMoV2FlashForCausalLM"),
]


def graph_of(name, **changes):
    row = next(row for row in TABLE if row.name == name)
    model = build(name, **{**row.changes, **changes})
    inputs, call = feed(row.kind, model)
    with sw.record() as tape:
        score = weigh(call(inputs))
    return GradientGraph(tape, *find_nodes(tape, score, inputs))


def seen(residual):
    if residual is None:
        return None
    return residual.op.index, residual.inner is not None, residual.dims


def reading(graph):
    """What a reader of the results would notice."""
    return [
        (
            part.context_op.index,
            part.heads,
            [(operand.tokens, operand.places is not None) for operand in part.operands.values()],
            seen(part.residual),
            seen(part.mlp),
            part.grid,
            part.in_windows,
        )
        for part in find_anatomy(graph).attentions
    ]


@pytest.mark.parametrize(
    ("module", "heuristic", "instead", "name"),
    [(module, *rest, name) for module, *rest, names in HEURISTICS for name in names.split()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_needed_by_the_models_that_it_names(monkeypatch, module, heuristic, instead, name):
    graph = graph_of(name)
    found = reading(graph)
    monkeypatch.setattr(module, heuristic, instead)
    assert reading(graph) != found


def test_pairs_of_products_are_needed_by_blocks(monkeypatch):
    model = build("BigBirdForMaskedLM", attention_type="block_sparse", block_size=2, num_random_blocks=1)
    x = normal(1, 32, 32)
    with sw.record() as tape:
        score = weigh(model(inputs_embeds=x))
    graph = GradientGraph(tape, *find_nodes(tape, score, [x]))
    # Eight pairs in each of the two layers.
    assert len(reading(graph)) == 16
    monkeypatch.setattr(SOFTMAX_CORES, "paired", nothing)
    assert len(reading(graph)) < 16


def test_a_prefix_is_needed_by_caches(monkeypatch):
    model = build("LlamaForCausalLM")
    read = model(inputs_embeds=normal(1, 3, 32), use_cache=True).past_key_values
    x = normal(1, 5, 32)
    with sw.record() as tape:
        score = weigh(model(inputs_embeds=x, past_key_values=read))
    graph = GradientGraph(tape, *find_nodes(tape, score, [x]))
    found = reading(graph)
    monkeypatch.setattr(ATTENTIONS, "_among_constants", nothing)
    assert reading(graph) != found
