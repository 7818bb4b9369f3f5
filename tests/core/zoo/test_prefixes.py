"""Keys that are no tokens, such as those of a prefix or of what was read before, take no token's place."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.paths.single_paths import drawn, graph_of
from semiring_widgets.core.paths.walks import guide_through
from semiring_widgets.core.semirings import Abs
from tests.core.oracle import legs_of
from tests.core.zoo.feeding import weigh
from tests.core.zoo.shrinking import TOKENS, WIDTH, build, normal

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

BEFORE = 3


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "LlamaForCausalLM"])
@pytest.mark.parametrize("examples", [1, 2])
def test_words_after_a_prefix_keep_their_places(name, examples):
    model = build(name)
    with torch.no_grad():
        read = model(inputs_embeds=normal(examples, BEFORE, WIDTH), use_cache=True).past_key_values
    x = normal(examples, TOKENS, WIDTH)
    with sw.record() as tape:
        score = weigh(model(inputs_embeds=x, past_key_values=read))
    table = sw.flow(tape, score, wrt=x)
    maps = table.map_mass_share.isel(query=slice(0, TOKENS))
    between = maps.sum(("layer", "head", "kind")).values
    words, prefix = between[:, :TOKENS], between[:, TOKENS:]
    assert np.triu(words, 1).sum() == 0
    assert (np.diagonal(words) > 0).all()
    # The last layer's queries choose among the prefix, too; but nothing begins there.
    assert prefix.shape == (TOKENS, BEFORE)
    assert (prefix > 0).all()
    assert float(maps.isel(key=slice(TOKENS, None)).sel(kind=["key", "value"]).sum()) == 0
    mapped, shares = table.map_mass_share.sum(("query", "key")), table.head_mass_share
    np.testing.assert_allclose(mapped, shares, rtol=1e-3)
    graph = graph_of(tape, score, x)
    anatomy = find_anatomy(graph)
    for _, hops in drawn(guide_through(graph, Abs()), 50, 0)[0]:
        for leg in legs_of(anatomy, hops):
            assert leg.source <= leg.target < TOKENS
