"""The colours of the branches: the same in pictures and widget, told apart by everybody."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from semiring_widgets.pictures import palette
from semiring_widgets.pictures.chart import COLOURS

STYLES = Path(__file__).parents[2] / "js" / "src" / "styles" / "ground.css"
# What the widget calls the colours of numbers, the first route and replaced words, and what pictures do.
NUMBERS = {"mass": "POSITIVE", "minus": "NEGATIVE", "route": "ROUTE", "mark": "MARK"}
KINDS = ("skip", "query", "key", "value", "mlp")
# Linear RGB as it is seen without red or without green receptors (Machado, Oliveira, Fernandes 2009).
SEEN = {
    "all": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def in_widget(theme, names=KINDS):
    """The colours that the stylesheet declares for a theme."""
    light, dark = STYLES.read_text(encoding="utf-8").split('&[data-theme="dark"] {')
    light, dark = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", part)) for part in (light, dark))
    return {kind: ({**light, **dark} if theme == "dark" else light)[kind] for kind in names}


def lab(colour, seen):
    """CIE Lab of a colour as it is seen."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(SEEN[seen]) @ linear, 0, 1)
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ linear
    ) / (0.9505, 1.0, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_stand_out_from_their_halo(theme):
    """A contrast of 3, as WCAG wants of graphics."""
    colours = in_widget(theme, (*KINDS, "halo"))
    halo = luminance(colours.pop("halo"))
    for kind, colour in colours.items():
        dark, light = sorted((luminance(colour), halo))
        assert (light + 0.05) / (dark + 0.05) >= 3, kind


def test_pictures_and_widget_have_one_palette():
    assert in_widget("light") == {kind: COLOURS[kind] for kind in KINDS}


def test_numbers_have_the_colours_of_the_widget():
    assert in_widget("light", NUMBERS) == {name: getattr(palette, own) for name, own in NUMBERS.items()}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("seen", SEEN)
def test_for_and_against_are_told_apart(theme, seen):
    colours = in_widget(theme, NUMBERS)
    assert np.linalg.norm(lab(colours["mass"], seen) - lab(colours["minus"], seen)) > 60


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("seen", SEEN)
def test_branches_are_told_apart(theme, seen):
    colours = in_widget(theme)
    # Lines; an MLP is a square.
    for one, other in combinations(KINDS[:4], 2):
        distance = np.linalg.norm(lab(colours[one], seen) - lab(colours[other], seen))
        assert distance > 20, (one, other, distance)
