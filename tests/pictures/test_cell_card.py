"""The static picture and the text of an answer about a picture or a sound."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

import semiring_widgets as sw
from semiring_widgets.pictures.card import picture, picture_file
from semiring_widgets.pictures.cell_card import overlay
from semiring_widgets.pictures.plain_text import plain
from tests.export.reading import payload_of


@pytest.fixture(scope="module", params=["image", "sound", "methods"])
def explained(request):
    torch.manual_seed(0)
    if request.param != "sound":
        model = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2)
        ).eval()
        if request.param == "methods":
            return sw.compare_image(
                model, None, torch.rand(3, 12, 12), 1, grid=3, methods=["effect", "GradCAM"]
            )
        return sw.explain_image(model, None, torch.rand(3, 12, 12), 1, grid=3)
    model = torch.nn.Sequential(torch.nn.Linear(64, 2)).eval()
    return sw.explain_sound(model, None, torch.randn(64), 1, frames=4)


def test_the_card_is_a_picture_as_wide_as_others(explained):
    shown = Image.open(io.BytesIO(picture(explained)))
    assert shown.width == 1080
    assert len(np.unique(np.asarray(shown.convert("RGB")).reshape(-1, 3), axis=0)) > 10


def test_svg_says_the_answer_in_letters(explained):
    svg = picture_file(explained, "svg").decode()
    assert "Given" in svg
    assert svg == picture_file(explained, "svg").decode()


def test_the_text_holds_answer_and_numbers(explained):
    said = plain(explained)
    assert getattr(explained, "answer", "GradCAM") in said
    assert said.count(": ") >= 3


def test_the_page_holds_the_picture_and_the_numbers_and_asks_for_nothing(explained, tmp_path):
    page = explained.to_html(tmp_path / "page.html").read_text()
    summary = payload_of(page)["summary"]
    assert (summary["type"], summary["score"]["label"]) == ("overlay", explained.score.label)
    assert base64.b64encode(picture(explained)).decode() in page
    assert "http" not in page.split('data-semiring-widgets="bundle"')[0]
    assert "{{" not in page


def test_a_notebook_keeps_a_picture(explained):
    data = explained._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert data["text/plain"] == plain(explained)
    assert data["image/png"]


def test_an_overlay_is_blue_where_positive_and_orange_where_negative():
    values = np.array([[1.0, -1.0], [0.0, np.nan]])
    found = overlay(np.full((4, 4, 3), 0.5), values)
    positive, negative, none, unknown = found[0, 0], found[0, 3], found[3, 0], found[3, 3]
    assert positive[2] > positive[0]
    assert negative[0] > negative[2]
    np.testing.assert_array_equal(none, unknown)
    assert none[0] == none[2]
