"""The chart: the bars of a layer add up to one, unknown layers have none."""

import json

import numpy as np

from semiring_widgets.pictures.chart import bokeh_version, bokehjs, chart_item, flow_by_branch, flow_chart


def test_branches_add_up(make_explanation):
    flows = flow_by_branch(make_explanation())
    attention = np.sum([flows[name] for name in ("skip", "query", "key", "value")], axis=0)
    np.testing.assert_allclose(attention, 1, rtol=1e-5)
    np.testing.assert_allclose(np.add(flows["mlp"], flows["mlp_skip"]), 1, rtol=1e-5)


def test_a_layer_that_is_not_known_has_no_bar(make_explanation):
    result = make_explanation()
    result.dataset["branch_mass_share"].values[1] = np.nan
    assert np.isnan(flow_by_branch(result)["skip"][1])
    tops = [renderer.data_source.data["top"] for renderer in flow_chart(result).renderers]
    assert all(top[1] == 0 for top in tops)
    np.testing.assert_allclose(max(top[0] for top in tops), 1, rtol=1e-5)


def test_the_item_is_json_and_names_every_branch(make_explanation):
    text = json.dumps(chart_item(make_explanation()), allow_nan=False)
    assert bokeh_version() in text
    for name in ("skip", "query", "key", "value", "mlp", "mlp skip"):
        assert f'"{name}"' in text


def test_bokehjs_comes_from_the_installed_package():
    source = bokehjs()
    assert bokeh_version().encode() in source
    assert len(source) > 500_000
