"""Synthetic results, so that the faces are tested without a model; and seeds that cost no time."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from semiring_widgets.results.comparison import TENTHS, Comparison, MethodResult
from semiring_widgets.results.drilled import ScalarPath, ScalarStep, UnitNumbers
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.groups import Group, name_of_group
from semiring_widgets.results.log_of_tests import Test, TestLog
from semiring_widgets.results.parts import (
    Correlation,
    Layer,
    Part,
    Reference,
    Score,
    Sentence,
    Status,
    Stream,
    Token,
    Totals,
)
from semiring_widgets.results.rankings import Family, ListedRoute, ListedStep, Ranking
from semiring_widgets.results.schema import EFFECTS, empty_dataset, empty_statistics
from semiring_widgets.vocabulary import BRANCHES, RANKINGS

WORDS = ("The", "keys", "to", "the", "cabinet", "[MASK]", "on", "the", "table")


def build_tokens(words):
    tokens, start = [], 0
    for index, word in enumerate(words):
        tokens.append(
            Token(index, word, word.lower(), 100 + index, start, start + len(word), word.startswith("["))
        )
        start += len(word) + 1
    return tuple(tokens)


def build_rankings(layers, tokens, rankings=RANKINGS):
    """The same routes by best path, mass and contribution."""
    routes = build_routes(layers, tokens)
    sizes = {
        "best": lambda route: route.log_weight,
        "mass": lambda route: route.log_mass,
        "contribution": lambda route: abs(route.contribution),
    }
    found = []
    for by in rankings:
        ranked = sorted(routes, key=sizes[by], reverse=True)
        ranked = tuple(replace(route, rank=rank) for rank, route in enumerate(ranked))
        remark = f"What the ranking by {by} leaves out."
        families = build_families(ranked) if by == "contribution" else ()
        found.append(Ranking(by, ranked, -9.0, 0.25, -0.125, remark, families))
    return tuple(found)


def build_families(routes):
    """One for each route, as none of them passes a feed-forward part."""
    steps = [tuple(step for step in route.steps if step.branch != "skip") for route in routes]
    return tuple(
        Family(route.label, route.sentence, 1.5 * route.contribution, route.contribution, (route.rank,), own)
        for route, own in zip(routes, steps, strict=True)
    )


def build_routes(layers, tokens):
    """The skip route, then one that leaves the skip at each layer."""
    asked = tokens - 1
    routes = [
        ListedRoute(
            rank=0,
            label="skip",
            log_weight=-1.25,
            sign=1,
            share_of_best=1.0,
            probability=1e-41,
            log_mass=16.5,
            share=1e-15,
            contribution=0.03,
            cancellation=5e-8,
            all_skip=True,
            steps=tuple(ListedStep(layer, "skip", None, asked, asked) for layer in range(layers)),
            sentence="only skip connections",
        )
    ]
    for rank in range(1, min(layers, 4) + 1):
        leaves, source = layers - rank, rank % tokens
        steps = [ListedStep(layer, "skip", None, source, source) for layer in range(leaves)]
        steps.append(ListedStep(leaves, "value", 1, source, asked))
        steps += [ListedStep(layer, "skip", None, asked, asked) for layer in range(leaves + 1, layers)]
        routes.append(
            ListedRoute(
                rank=rank,
                label=f"V·L{leaves}·H1",
                log_weight=-1.25 - 2 * rank,
                sign=(-1) ** rank,
                share_of_best=math.exp(-2 * rank),
                probability=1e-43,
                log_mass=16.5 + rank,
                share=1e-15 * rank,
                contribution=(-1) ** rank * 0.01 * 4**rank,
                cancellation=1e-9 * rank,
                all_skip=False,
                steps=tuple(steps),
                sentence=f"token {source} -V·L{leaves}·H1-> token {asked}",
            )
        )
    return tuple(routes)


def fill(dataset, rng):
    """Random numbers with the right sums and signs."""
    later = np.random.default_rng(5)  # what older files lack leaves the other numbers as they were
    for name, variable in dataset.data_vars.items():
        values = (later if name in EFFECTS else rng).random(variable.shape)
        if name.endswith("sign"):
            values = np.where(values < 0.3, -1, 1)
        elif "log" in name:
            values = -10 * values
        elif name == "token_gradient_x_input" or name.endswith(("effect", "contribution")):
            values -= 0.5
        variable.values[:] = values
    branch = dataset["branch_mass_share"].values
    attention = branch[:, : BRANCHES.index("mlp")]
    attention /= attention.sum(axis=(1, 2), keepdims=True)
    mlp = branch[:, BRANCHES.index("mlp") :]
    mlp /= mlp.sum(axis=(1, 2), keepdims=True)
    for name, dims in (
        ("token_mass_share", ("token",)),
        ("node_mass_share", ("token",)),
        ("head_mass_share", ("head", "kind")),
        ("map_mass_share", ("head", "kind", "query", "key")),
    ):
        if name in dataset:
            # In place: older versions of xarray take the attributes from a quotient.
            dataset[name].values[:] = dataset[name] / dataset[name].sum(dims)
    return dataset


def build_answer(tokens):
    """A sentence of each kind, about a token or a head."""
    word, head = Part(token=min(1, tokens - 1)), Part(layer=0, head=1)
    return (
        Sentence("score", "The model says *are* rather than *is* (+3.3 logits)."),
        Sentence("words", "*keys* carries it (+2.5).", (word,)),
        Sentence("route", "Head 0·1 carries it to the blank.", (head, word)),
        Sentence("replaced", "With [MASK] for *keys* the score falls from +3.3 to -0.8.", (word,)),
        Sentence("remark", "Estimates and tests disagree here."),
    )


class FakeSession:
    """Answers like a live computation, and remembers what it was asked."""

    def __init__(self, layers, heads, tokens, statistics=()):
        self.sizes = layers, heads, tokens
        self.statistics = statistics
        self.asked = []

    def conditioned(self, selection, check=None, *, avoiding=(), among=()):
        self._check(selection)
        self._check(among)
        self._check(avoiding)
        self.asked.append(selection)
        layers, heads, tokens = self.sizes
        dataset = with_statistics(empty_dataset(layers, heads, tokens, maps=False), self.statistics)
        fill(dataset, np.random.default_rng(1))
        parts = ("node", "branch", "head", "token_mass_share", "token_best_log_weight", "token_statistic")
        names = [name for name in dataset.data_vars if name.startswith(parts)]
        attrs = {"log_mass": 16.0, "best_log_weight": -2.5, "entropy": 12.5, "contribution": 0.75}
        return dataset[names].assign_attrs(attrs), -0.5

    def conditioned_each(self, selections, check=None):
        return [self.conditioned(one) for one in selections]

    def group(self, name, parts, check=None):
        self._check(parts)
        self.asked.append(("group", name, parts))
        return Group(name_of_group(name), tuple(Part(**part) for part in parts), 0.25, 12.5, 1.5)

    def units(self, part, check=None):
        self._check(part)
        self.asked.append(("units", part))
        return UnitNumbers(Part(**part[0]), False, (0.5, -1.0, 2.0), (0.25, -2.0, 0.125), (0.1, 0.05, 0.15))

    def path(self, selection=(), steps=(), check=None, *, avoiding=()):
        self._check(selection)
        self.asked.append(("path", selection, steps))
        place = (2, 1, 0, "value")
        walked = (
            ScalarStep("aten.mm.default", "encoder.layer.2", (0, 3), -0.5, math.log(0.5), -1, *place),
            ScalarStep("aten.sub.Tensor", "", (), 2.0, 0.0, -1, None, None, 5, "output"),
        )
        return ScalarPath(0, 1, 7, 0.0, -1, walked)

    def ranking(self, by, selection, count, check=None, *, avoiding=(), among=()):
        self._check(selection)
        self._check(among)
        self._check(avoiding)
        self.asked.append((by, selection))
        layers, _, tokens = self.sizes
        (ranking,) = build_rankings(layers, tokens, [by])
        return replace(ranking, routes=ranking.routes[:count])

    def test(self, selection, steps=(), by="reference", check=None):
        self._check(selection)
        self.asked.append(("test", selection, steps, by))
        parts = tuple(Part(**part) for part in selection)
        return Test(parts, tuple(steps), by, f"{len(parts)} parts", 3.25, -0.5, 2.75)

    def test_each(self, asked, check=None):
        return [self.test(*one) for one in asked]

    def head_map(self, layer, head, selection=(), check=None, *, avoiding=()):
        self.asked.append((layer, head, *selection))
        _, _, tokens = self.sizes
        return np.random.default_rng(layer * 100 + head).random((3, tokens, tokens)).astype(np.float32)

    def _check(self, selection):
        """As a live computation does."""
        from semiring_widgets.core.anatomy import Extent, LayerExtent, checked

        layers, heads, tokens = self.sizes
        checked(selection, Extent((LayerExtent(heads, tokens, tokens),) * layers, (tokens,)))


def with_statistics(dataset, statistics):
    if not statistics:
        return dataset
    sizes = [dataset.sizes[axis] for axis in ("layer", "head", "token")]
    return dataset.merge(empty_statistics([s.name for s in statistics], *sizes))


def build_explanation(
    words=WORDS, layers=3, heads=2, *, session=True, known=True, maps=True, statistics=(), **changes
):
    count = len(words)
    dataset = with_statistics(empty_dataset(layers, heads, count, maps=maps), statistics)
    if known:
        fill(dataset, np.random.default_rng(0))
    facts = {
        "text": " ".join(words),
        "model": "BertForMaskedLM",
        "score": Score("logit(are) - logit(is) at [MASK]", 3.25, "are", "is", min(5, count - 1)),
        "granularity": "primitive",
        "level": "unit",
        "streams": (Stream("input", build_tokens(words)),),
        "layers": tuple(Layer(f"encoder.layer.{i}", i, 0, 0, heads) for i in range(layers)),
        "totals": Totals(95.1, 263.0, -1.25, 1, -87.0) if known else Totals(),
        "dataset": dataset,
        "rankings": build_rankings(layers, count) if known else (),
        "seconds": 1.5,
        "status": Status("done", 14, 14, "done"),
        "statistics": statistics,
        "reference": Reference("mask", "[MASK] in the place of every token", -0.75) if known else None,
        "sentences": build_answer(count) if known else (),
        "correlations": (Correlation("tokens", 0.5), Correlation("heads", 0.875)) if known else (),
        "tests": TestLog([Test((Part(layer=0, head=1),), (), "zero", "head 0·1", 3.25, 1.5, 2.0)] * known),
        "session": FakeSession(layers, heads, count, statistics) if session else None,
    }
    return Explanation(**{**facts, **changes})


def build_comparison(words=WORDS, **changes):
    rng = np.random.default_rng(2)
    sizes = {"signed": False, "ranked_by_size": True}
    methods = (
        MethodResult("Saliency", "captum", "Saliency", 0.02, **sizes, **build_yardsticks(0.25, 1.5, 1.25)),
        MethodResult("DeepLift", "captum", "DeepLift", 0.01, error="DeepLift failed: no rule for this."),
        MethodResult(
            "path max",
            "semiring",
            "best path",
            0.5,
            granularity="primitive",
            level="unit",
            ranked_by_size=True,
            **build_yardsticks(-0.5, 0.25, 2.0),
        ),
    )
    scores = rng.standard_normal((3, len(words))).astype(np.float32)
    scores[1] = np.nan
    square = np.where(np.isnan(scores).any(1)[:, None] | np.isnan(scores).any(1)[None], np.nan, 0.5)
    drops = np.sort(rng.random((2, 3, TENTHS + 1)), axis=-1).astype(np.float32)
    drops[:, 1] = np.nan
    facts = {
        "text": " ".join(words),
        "model": "BertForMaskedLM",
        "score": Score("logit(are) at [MASK]", 3.25, "are", None, 5),
        "streams": (Stream("input", build_tokens(words)),),
        "methods": methods,
        "dataset": xr.Dataset(
            {
                "scores": (("method", "token"), scores),
                "rank_correlation": (("method", "other"), square.astype(np.float32)),
                "top_k_overlap": (("method", "other"), square.astype(np.float32)),
                "token_effect": (("token",), rng.standard_normal(len(words)).astype(np.float32)),
                "comprehensiveness": (("method", "fraction"), drops[0]),
                "sufficiency": (("method", "fraction"), drops[1, :, ::-1]),
            }
        ),
        "top_k": 3,
        "status": Status("done", 3, 3, "3 of 3 methods"),
        "reference": Reference("mask", "[MASK] in the place of every token", -0.75),
    }
    return Comparison(**{**facts, **changes})


def build_beside(words=WORDS, others=(*WORDS[:1], "key", *WORDS[2:4], "old", *WORDS[4:]), **changes):
    """Two explanations; the second text has another word, and one more."""
    from semiring_widgets.explanation import beside

    second = build_explanation(others, score=Score("logit(are) - logit(is) at [MASK]", -2.5, "are", "is", 6))
    for name in ("token_effect", "head_effect", "mlp_contribution"):
        second.dataset[name] *= -1
    return beside(build_explanation(words, **changes), replace(second, **changes))


def build_yardsticks(correlation, comprehensiveness, sufficiency):
    return {
        "effect_correlation": correlation,
        "comprehensiveness": comprehensiveness,
        "sufficiency": sufficiency,
        "infidelity": 0.75,
    }


@pytest.fixture(scope="session", autouse=True)
def seeds_of_devices_that_are_here():
    """`torch.manual_seed` seeds the devices that there are.

    For those that there are not it notes the call, with the formatted stack of the caller, should the device
    come up later (torch 2.13); below pytest that takes a millisecond each, half the time of the samples of
    PyTorch's database.
    """
    import torch

    with pytest.MonkeyPatch.context() as patch:
        for name in ("cuda", "xpu", "mtia"):
            device = getattr(torch, name, None)
            if hasattr(device, "manual_seed_all") and not device.is_available():
                patch.setattr(device, "manual_seed_all", lambda seed: None)
        yield


@pytest.fixture
def make_explanation():
    """Builds a synthetic `Explanation`."""
    return build_explanation


@pytest.fixture
def make_beside():
    """Builds a synthetic `SideBySide`."""
    return build_beside


@pytest.fixture
def make_comparison():
    """Builds a synthetic `Comparison`."""
    return build_comparison
