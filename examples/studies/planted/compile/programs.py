"""RASP programs: those of Tracr's library, and more that are drawn from a small grammar by a seed.

RASP is the language of Weiss et al. 2021 (arXiv 2106.06981); Tracr (Lindner et al. 2023, arXiv 2301.05062)
compiles it to the weights of a transformer. This file needs ``tracr-pypi``; the study itself does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tracr.compiler import lib
from tracr.rasp import rasp

__all__ = ["Program", "generated", "library"]

NUMBERS = (0, 1, 2, 3)
LETTERS = ("a", "b", "c")
LENGTH = 5


@dataclass(frozen=True)
class Program:
    """A RASP program and what it is asked about.

    Attributes:
        name: of the program.
        sop: its result.
        vocabulary: the tokens that it may be given.
        length: of its texts, without the first token, which the compiler adds.
        causal: whether it is compiled with a causal mask.
        unique: whether no token may come twice in a text.
    """

    name: str
    sop: rasp.SOp
    vocabulary: tuple[Any, ...]
    length: int = LENGTH
    causal: bool = False
    unique: bool = False


def library() -> Iterator[Program]:
    """The programs of ``tracr.compiler.lib``."""
    tokens, five = rasp.tokens, (0, 1, 2, 3, 4)
    brackets = ("(", ")", "a")
    yield Program("length", lib.make_length(), LETTERS)
    yield Program("reverse", lib.make_reverse(tokens), LETTERS)
    yield Program("hist", lib.make_hist(), LETTERS)
    yield Program("sort_unique", lib.make_sort_unique(tokens, tokens), five, unique=True)
    yield Program("sort_by_place", lib.make_sort_unique(tokens, 1 - rasp.indices), LETTERS)
    yield Program("sort", lib.make_sort(tokens, tokens, max_seq_len=LENGTH, min_key=1), (1, 2, 3))
    yield Program("sort_freq", lib.make_sort_freq(4), LETTERS, length=4)
    for causal in (False, True):
        kind = "_causal" if causal else ""
        yield Program(f"frac_prevs{kind}", lib.make_frac_prevs(tokens == "a"), LETTERS, causal=causal)
        yield Program(f"pair_balance{kind}", lib.make_pair_balance(tokens, "(", ")"), brackets, causal=causal)
        yield Program(f"shift_by_1{kind}", lib.shift_by(1, tokens), LETTERS, causal=causal)
        yield Program(f"shift_by_2{kind}", lib.shift_by(2, tokens), LETTERS, causal=causal)
        for pattern in ("a", "ab", "abc"):
            found = lib.detect_pattern(tokens, pattern)
            yield Program(f"detect_{pattern}{kind}", found, LETTERS, causal=causal)
    yield Program("shuffle_dyck", lib.make_shuffle_dyck(["()"]), brackets, length=4)
    yield Program("shuffle_dyck2", lib.make_shuffle_dyck(["()", "{}"]), ("(", ")", "{", "}"), length=4)
    yield Program("count_less_freq", lib.make_count_less_freq(2), LETTERS)
    yield Program("count", lib.make_count(tokens, "a"), LETTERS)
    add = lib.make_nary_sequencemap(lambda x, y, z: x + y - z, tokens, tokens, rasp.indices)
    yield Program("nary_sequencemap", add, (1, 2, 3), length=4)


def generated(seed: int, count: int) -> Iterator[Program]:
    """Programs drawn from a grammar.

    Args:
        seed: of the draws.
        count: how many are drawn; what cannot be compiled is for the caller to leave out.
    """
    for number in range(count):
        # Every program has a seed of its own, so leaving one out changes no other.
        chance = random.Random(f"{seed}.{number}")  # noqa: S311 (no secret)
        yield Program(f"drawn_{number:03d}", _Draw(chance).result(), NUMBERS, causal=number % 4 == 3)


class _Draw:
    """One program's draws.

    ``category`` gives what holds one of a few values (an integer), ``fraction`` what holds a number that
    may be averaged; RASP's compiler keeps the two apart.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def result(self) -> rasp.SOp:
        """A program of two to four steps."""
        depth = self._chance.randint(2, 4)
        return self.fraction(depth) if self._chance.random() < 0.35 else self.category(depth)

    def category(self, depth: int) -> rasp.SOp:
        if depth <= 0:
            return rasp.tokens if self._chance.random() < 0.75 else rasp.indices
        return self._chance.choice(
            [self._map, self._pair, self._count, self._moved, self._moved, self._pointed]
        )(depth)

    def fraction(self, depth: int) -> rasp.SOp:
        if depth <= 1:
            return self._flag(self.category(0))
        if depth > 2 and self._chance.random() < 0.4:
            weights = self._chance.choice([(1, 1), (1, -1), (2, 1), (0.5, -1)])
            one, other = self.fraction(depth - 1), self.fraction(depth - 2)
            return rasp.numerical(rasp.LinearSequenceMap(one, other, *weights))
        values = self._flag(self.category(depth - 2))
        return rasp.numerical(rasp.Aggregate(self._select(depth - 1), values, default=0))

    def _flag(self, of: rasp.SOp) -> rasp.SOp:
        value, kind = self._chance.choice(NUMBERS), self._chance.randrange(3)
        test: Callable[[Any], float] = (
            lambda x: float(_whole(x) == value),
            lambda x: float(_whole(x) >= max(value, 1)),
            lambda x: float(_whole(x) % 2 == value % 2),
        )[kind]
        return rasp.numerical(rasp.Map(test, of))

    def _map(self, depth: int) -> rasp.SOp:
        value, kind = self._chance.choice((1, 2, 3)), self._chance.randrange(4)
        step: Callable[[Any], int] = (
            lambda x: (_whole(x) + value) % 4,
            lambda x: abs(_whole(x) - value),
            lambda x: int(_whole(x) > value - 1),
            lambda x: (_whole(x) * value) % 5,
        )[kind]
        return rasp.Map(step, self.category(depth - 1))

    def _pair(self, depth: int) -> rasp.SOp:
        kind = self._chance.randrange(4)
        step: Callable[[Any, Any], int] = (
            lambda x, y: (_whole(x) + _whole(y)) % 4,
            lambda x, y: abs(_whole(x) - _whole(y)),
            lambda x, y: int(_whole(x) == _whole(y)),
            lambda x, y: max(_whole(x), _whole(y)),
        )[kind]
        return rasp.SequenceMap(step, self.category(depth - 1), self.category(depth - 2))

    def _count(self, depth: int) -> rasp.SOp:
        return rasp.SelectorWidth(self._select(depth))

    def _moved(self, depth: int) -> rasp.SOp:
        """What stands at another place."""
        shift = self._chance.choice((-2, -1, 1, 2))
        places: Callable[[Any], int] = self._chance.choice(
            [lambda i: (i + shift) % LENGTH, lambda i: LENGTH - 1 - i, lambda i: i ^ 1 if i < 4 else i]
        )
        from_where = rasp.Select(rasp.indices, rasp.Map(places, rasp.indices), rasp.Comparison.EQ)
        return rasp.Aggregate(from_where, self.category(depth - 1))

    def _pointed(self, depth: int) -> rasp.SOp:
        """What stands at the place that another value says."""
        where = rasp.Map(lambda x: _whole(x) % LENGTH, self.category(depth - 1))
        return rasp.Aggregate(
            rasp.Select(rasp.indices, where, rasp.Comparison.EQ), self.category(max(depth - 2, 0))
        )

    def _select(self, depth: int) -> rasp.Selector:
        compare = self._chance.choice(
            [rasp.Comparison.EQ, rasp.Comparison.LT, rasp.Comparison.LEQ, rasp.Comparison.NEQ]
        )
        return rasp.Select(self.category(depth - 1), self.category(max(depth - 2, 0)), compare)


def _whole(value: Any) -> int:
    """Values as integers; nothing (None) counts as 0."""
    return 0 if value is None else int(value)
