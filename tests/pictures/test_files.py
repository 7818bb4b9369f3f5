"""Pictures as files: letters are text, what was asked stands below, and twice the same is the same."""

import io
import re
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from semiring_widgets import __version__
from semiring_widgets.errors import InputError


def texts(svg):
    """All texts of an SVG, in order, as one line."""
    root = ET.fromstring(svg)
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return re.sub(r"\s+", " ", " ".join("".join(one.itertext()) for one in found))


@pytest.mark.parametrize("make", ["make_explanation", "make_comparison"])
def test_letters_are_text_and_settings_are_cited(request, make, tmp_path):
    result = request.getfixturevalue(make)()
    path = result.to_svg(tmp_path / "picture.svg")
    told = texts(path.read_bytes())
    for fact in (__version__, result.model, result.text, result.score.label, result.tokens[1].text):
        assert fact in told, fact
    if result.reference is not None:
        assert result.reference.label in told
    first = path.read_bytes()
    assert result.to_svg(path).read_bytes() == first


def test_an_explanation_names_its_graph(make_explanation, tmp_path):
    result = make_explanation()
    told = texts(result.to_svg(tmp_path / "picture.svg").read_bytes())
    for fact in (f"{result.granularity} granularity", f"{result.level} level", f"{result.rules} rules"):
        assert fact in told


def test_a_png_is_as_fine_as_asked(make_explanation, tmp_path):
    result = make_explanation()
    sizes = [
        Image.open(io.BytesIO(result.to_png(tmp_path / "picture.png", scale=scale).read_bytes())).width
        for scale in (0.5, 1)
    ]
    assert sizes[1] >= 1080
    assert abs(2 * sizes[0] - sizes[1]) <= 2


def test_a_text_that_looks_like_markup_stays_text(make_explanation, tmp_path):
    result = make_explanation(("<script>", "$x^2$", "]]>"), text="<script> $x^2$ ]]>")
    told = texts(result.to_svg(tmp_path / "picture.svg").read_bytes())
    assert "<script> $x^2$ ]]>" in told


@pytest.mark.parametrize("scale", [0, -1, 11, True, "2", float("nan")])
def test_a_scale_is_a_number(make_explanation, tmp_path, scale):
    with pytest.raises(InputError, match="give a number from"):
        make_explanation().to_png(tmp_path / "picture.png", scale=scale)
    assert list(tmp_path.iterdir()) == []
