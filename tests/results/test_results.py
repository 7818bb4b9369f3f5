"""Results: what goes in comes out, through pandas, xarray and files."""

import numpy as np
import pytest
import xarray as xr

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.parts import Stream, Token, Totals
from semiring_widgets.results.schema import VARIABLES, empty_dataset
from semiring_widgets.vocabulary import BRANCHES

FACTS = (
    "text",
    "model",
    "score",
    "granularity",
    "level",
    "streams",
    "layers",
    "rankings",
    "seconds",
    "status",
    "reference",
    "sentences",
    "correlations",
)


def test_a_saved_explanation_comes_back_exactly(make_explanation, tmp_path):
    result = make_explanation(totals=Totals(95.1, None, float("-inf"), None, -87.0))
    result.save(tmp_path / "result.zip")
    back = sw.load(tmp_path / "result.zip")
    for name in (*FACTS, "totals"):
        assert getattr(back, name) == getattr(result, name), name
    xr.testing.assert_identical(back.dataset, result.dataset)
    assert all(back.dataset[name].dtype == np.float32 for name in VARIABLES)
    assert back.session is None
    assert list(back.tests) == list(result.tests) != []


def test_texts_that_file_formats_refuse_are_kept(make_explanation, tmp_path):
    nasty = "a\x00b \ud83d 日本 </script>"
    tokens = (Token(0, nasty, nasty, 1, 0, 3, False),)
    make_explanation(("x",), text=nasty, streams=(Stream("input", tokens),)).save(tmp_path / "r.zip")
    back = sw.load(tmp_path / "r.zip")
    assert back.text == nasty
    assert back.tokens[0].raw == nasty


def test_saving_again_replaces_and_leaves_nothing_behind(make_explanation, tmp_path):
    path = tmp_path / "r.zip"
    make_explanation().save(path)
    make_explanation(("other",)).save(path)
    assert sw.load(path).text == "other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.zip"]
    with pytest.raises(InputError, match="Give a path in an existing folder"):
        make_explanation().save(tmp_path / "no" / "r.zip")


def test_numpy_alone_can_read_the_numbers(make_explanation, tmp_path):
    make_explanation().save(tmp_path / "r.zip")
    with np.load(tmp_path / "r.zip") as opened:
        assert opened["branch_mass_share"].shape == (3, 6, 9)


def test_the_labelled_table_can_be_written_as_netcdf(make_explanation, tmp_path):
    make_explanation().to_xarray().to_netcdf(tmp_path / "r.nc")
    with xr.open_dataset(tmp_path / "r.nc") as opened:
        assert opened["branch_mass_share"].sel(branch="value").shape == (3, 9)


def test_what_is_no_result_is_refused_by_a_sentence(make_explanation, make_comparison, tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        sw.load(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match=r"was not written by \.save"):
        sw.load(tmp_path / "text.zip")
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"not written by semiring_widgets"):
        sw.load(tmp_path / "foreign.nc")
    make_comparison().save(tmp_path / "comparison.zip")
    with pytest.raises(InputError, match=r"read it with Comparison\.load"):
        sw.load(tmp_path / "comparison.zip")
    make_explanation().save(tmp_path / "explanation.zip")
    with pytest.raises(InputError, match=r"read it with semiring_widgets\.load"):
        Comparison.load(tmp_path / "explanation.zip")


def test_a_saved_comparison_comes_back_exactly(make_comparison, tmp_path):
    result = make_comparison()
    result.save(tmp_path / "c.zip")
    back = Comparison.load(tmp_path / "c.zip")
    for name in ("text", "model", "score", "streams", "methods", "top_k", "status"):
        assert getattr(back, name) == getattr(result, name), name
    xr.testing.assert_identical(back.dataset, result.dataset)


def test_pandas_and_xarray_carry_the_labels(make_explanation, make_comparison):
    result = make_explanation()
    frame = result.to_pandas()
    assert list(frame["text"]) == [token.text for token in result.tokens]
    np.testing.assert_array_equal(frame["mass_share"], result.dataset["token_mass_share"])
    labelled = result.to_xarray()
    assert list(labelled["layer_name"].values) == [layer.name for layer in result.layers]
    assert labelled.attrs["granularity"] == "primitive"
    routes = result.to_pandas("routes")
    assert list(routes.loc["contribution", "contribution"].abs()) == sorted(
        routes.loc["contribution", "contribution"].abs(), reverse=True
    )
    assert routes.loc[("best", 0), "sentence"] == "only skip connections"
    np.testing.assert_array_equal(
        labelled["route_log_mass"].sel(ranking="mass"), [r.log_mass for r in result.ranking("mass").routes]
    )
    assert (
        str(labelled["ranking_remark"].sel(ranking="best").values) == "What the ranking by best leaves out."
    )
    with pytest.raises(InputError, match="choose tokens or routes"):
        result.to_pandas("layers")
    with pytest.raises(InputError, match="no ranking by 'luck'"):
        result.ranking("luck")
    assert make_explanation(known=False).to_pandas("routes").empty
    assert make_explanation(known=False).to_xarray().sizes["ranking"] == 0
    frame = make_comparison().to_pandas()
    assert np.isnan(frame["DeepLift"]).all()
    assert list(make_comparison().to_xarray()["method"].values) == ["Saliency", "DeepLift", "path max"]


def test_an_empty_dataset_has_every_variable_on_its_axes():
    dataset = empty_dataset(2, 3, 5)
    assert set(dataset.data_vars) == set(VARIABLES)
    for name, (dims, meaning) in VARIABLES.items():
        assert dataset[name].dims == dims
        assert dataset[name].attrs["long_name"] == meaning
        assert np.isnan(dataset[name]).all()
    assert dataset["map_mass_share"].shape == (2, 3, 3, 5, 5)
    assert list(dataset["branch"].values) == list(BRANCHES)
    assert "map_mass_share" not in empty_dataset(2, 3, 5, maps=False)
