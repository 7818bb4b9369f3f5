"""What chosen texts have in common is what pandas finds in the raw rows of the tables."""

import numpy as np
import pandas as pd
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.overview.aggregates import aggregate
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import BINS
from semiring_widgets.overview.reading import numbers_of
from semiring_widgets.vocabulary import BRANCHES
from tests.overview.made import write_folder

BRUSHES = [
    Brush(),
    Brush(box=(0.0, 4.0, 30.0, 45.0)),
    Brush(groups=(1, 2)),
    Brush("log_mass", "tokens", (36.0, 44.0, 9.0, 15.0), (0,)),
]


def chosen(corpus, numbers, brush):
    """The rows of the examples that a brush means, by pandas alone."""
    texts = corpus.examples()
    texts["named"] = texts["group"].fillna("no group").astype(str)
    if brush.groups:
        texts = texts[texts["named"].isin([numbers.groups[one] for one in brush.groups])]
    if brush.box:
        left, right, low, high = brush.box
        texts = texts[texts[brush.x].between(left, right) & texts[brush.y].between(low, high)]
    return texts


@pytest.mark.parametrize("brush", BRUSHES)
def test_counts_and_means_are_those_of_the_rows(corpus, numbers, brush):
    found, texts = aggregate(numbers, brush), chosen(corpus, numbers, brush)
    assert 1 < len(texts) <= 60
    for place, name in enumerate(numbers.groups):
        own = texts[texts["named"] == name]
        assert found.count[place] == len(own)
        if len(own):
            assert found.right[place] == pytest.approx(own["right"].astype(float).mean())
        for number, column in enumerate(numbers.numbers):
            values = own[column].astype(float).replace(-np.inf, np.nan).dropna()
            assert found.histogram[number, place].sum() == len(values)
            if len(values):
                assert found.mean[number, place] == pytest.approx(values.mean())
                edges = np.linspace(*numbers.edges(column), BINS + 1)
                assert found.histogram[number, place].tolist() == np.histogram(values, edges)[0].tolist()


@pytest.mark.parametrize("brush", BRUSHES)
def test_effects_are_the_means_of_the_parts(corpus, numbers, brush):
    found, rows = aggregate(numbers, brush), chosen(corpus, numbers, brush)["row"]
    parts = corpus.parts()
    parts = parts[parts["row"].isin(rows) & parts["effect"].notna()]
    for place, part in enumerate(numbers.parts):
        kind = "mlp" if part.kind == "mlp" else "head"
        own = parts[(parts["kind"] == kind) & (parts["layer"] == part.layer)]
        if part.kind == "head":
            own = own[own["head"] == part.head]
        by_text = own.groupby("row")["effect"].sum()
        assert found.part_count[place] == len(by_text)
        assert found.part_mean[place] == pytest.approx(by_text.mean(), rel=1e-5)
        assert found.part_low[place] < found.part_mean[place] < found.part_high[place]


@pytest.mark.parametrize("brush", BRUSHES)
def test_the_flow_is_the_mean_of_the_shares(corpus, numbers, brush):
    found, texts = aggregate(numbers, brush), chosen(corpus, numbers, brush)
    parts = corpus.parts()
    flows = parts[parts["kind"] == "branch"].merge(texts[["row", "named"]], on="row")
    by_text = flows.groupby(["named", "layer", "branch", "row"])["mass_share"].sum()
    means = by_text.groupby(level=[0, 1, 2]).mean()
    for (group, layer, branch), mean in means.items():
        place = numbers.groups.index(group), numbers.layers.index(layer), BRANCHES.index(branch)
        assert found.flow[place] == pytest.approx(mean, rel=1e-5)
    assert np.isfinite(found.flow).sum() == len(means)


def test_means_and_intervals_of_all_are_those_of_averages(corpus, numbers):
    found = aggregate(numbers, Brush())
    known = corpus.averages("effect", "head").set_index(["layer", "head"])
    for place, part in enumerate(numbers.parts):
        if part.kind == "head":
            row = known.loc[part.layer, part.head]
            assert found.part_mean[place] == pytest.approx(row["mean"], rel=1e-5)
            assert found.part_count[place] == row["n"]
            # Other texts are drawn again, so the ends differ by what a thousand draws leave open.
            width = row["high"] - row["low"]
            assert found.part_low[place] == pytest.approx(row["low"], abs=0.12 * width)
            assert found.part_high[place] == pytest.approx(row["high"], abs=0.12 * width)


def test_blocks_of_texts_tell_as_much_as_texts(tmp_path):
    """3,000 texts are drawn again in a thousand blocks: the interval is that of the normal law."""
    numbers = numbers_of(sw.read_corpus(write_folder(tmp_path / "run", 3000, layers=2, heads=2)))
    found = aggregate(numbers, Brush())
    wide = 2 * 1.96 * np.nanstd(numbers.effects, 0) / np.sqrt(found.part_count)
    assert (found.part_high - found.part_low) == pytest.approx(wide, rel=0.1)
    assert found.part_count[0] < found.part_count[-1] == 3000  # every seventh has no heads in layer 0


@pytest.mark.parametrize(
    ("brush", "sentence"),
    [
        (Brush(box=(1.0, 2.0)), "A box is four numbers"),
        (Brush(groups=(9,)), "There are 3 groups"),
        (Brush(x="luck"), "axis"),
    ],
)
def test_a_brush_that_is_none_is_refused(numbers, brush, sentence):
    with pytest.raises(InputError, match=sentence):
        aggregate(numbers, brush)


def test_no_text_is_no_error(numbers):
    found = aggregate(numbers, Brush(box=(1e6, 2e6, 0.0, 1.0)))
    assert found.count.sum() == 0
    assert np.isnan(found.part_mean).all()


def test_estimates_are_shown_where_nothing_was_tested(tmp_path):
    corpus = sw.read_corpus(write_folder(tmp_path / "run", 12, groups=0, tested=False))
    numbers = numbers_of(corpus, by="right")
    assert (numbers.of, numbers.by, numbers.groups) == ("contribution", "right", ("right", "wrong"))
    place = numbers.parts.index(next(part for part in numbers.parts if part.kind == "mlp"))
    parts = corpus.parts()
    own = parts[(parts["kind"] == "mlp") & (parts["layer"] == 0)]["contribution"]
    assert aggregate(numbers, Brush()).part_mean[place] == pytest.approx(own.mean(), rel=1e-5)


def test_many_groups_become_others(tmp_path):
    numbers = numbers_of(sw.read_corpus(write_folder(tmp_path / "run", 200, groups=9, layers=1, heads=1)))
    assert len(numbers.groups) == 6
    assert numbers.groups[-1] == "others"
    counts = pd.Series(numbers.group).value_counts()
    assert counts.sum() == 200
    assert counts[5] > 20
