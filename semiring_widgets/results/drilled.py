"""What lies inside a part or a route: its units one by one, and its strongest scalar path step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from semiring_widgets.results.parts import Part
from semiring_widgets.results.wording import power

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ScalarPath", "ScalarStep", "UnitNumbers"]


@dataclass(frozen=True)
class UnitNumbers:
    """The units of a head or a feed-forward part, in the order in which they are stored.

    Attributes:
        part: whose they are.
        hidden: whether they are those of a hidden layer, and not of the part's output.
        value: of each unit, its mean over the tokens of the part.
        contribution: the estimate of its effect, in the unit of the score; they add up to that of the part.
        mass_share: of the paths explained, the share of mass that passes the unit, 0-1.
    """

    part: Part
    hidden: bool
    value: tuple[float, ...]
    contribution: tuple[float, ...]
    mass_share: tuple[float, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row a unit, the one that contributes most first."""
        import pandas as pd

        columns = {"value": self.value, "contribution": self.contribution, "mass_share": self.mass_share}
        found = pd.DataFrame({"unit": range(len(self.value)), **columns})
        return found.sort_values("contribution", key=abs, ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class ScalarStep:
    """One edge of a scalar path.

    Attributes:
        op: the operator, such as ``"aten.mm.default"``.
        module: dotted path of the module that ran it, "" outside of any.
        index: of the element reached, in the operator's result.
        derivative: the local partial derivative.
        log_weight: log of the absolute product of the derivatives so far.
        sign: of that product.
        layer, head, token: where it is; None where that does not apply or is not known.
        route: ``"embedding"``, ``"skip"``, ``"query"``, ``"key"``, ``"value"``, ``"mlp"``, ``"mlp_skip"`` or
            ``"output"``.
    """

    op: str
    module: str
    index: tuple[int, ...]
    derivative: float
    log_weight: float
    sign: int
    layer: int | None
    head: int | None
    token: int | None
    route: str | None

    @property
    def product(self) -> float:
        """The product of the derivatives so far; infinite where a float cannot hold it."""
        return self.sign * (math.exp(self.log_weight) if self.log_weight < 709 else math.inf)


@dataclass(frozen=True)
class ScalarPath:
    """The strongest scalar path of a set, from one number of the input to the score.

    Attributes:
        stream, token, unit: where it begins.
        log_weight: log of the absolute product of its derivatives.
        sign: of that product.
        steps: from the input on.
    """

    stream: int
    token: int
    unit: int
    log_weight: float
    sign: int
    steps: tuple[ScalarStep, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row a step: the fields of `ScalarStep`, and ``product``."""
        import pandas as pd

        names = [field.name for field in fields(ScalarStep)]
        rows = [{**{n: getattr(s, n) for n in names}, "product": s.product} for s in self.steps]
        found = pd.DataFrame(rows, columns=[*names, "product"])
        return found.astype(dict.fromkeys(("layer", "head", "token"), "Int64"))

    def __str__(self) -> str:
        sign = "-" if self.sign < 0 else ""
        weight = f"{sign}{power(self.log_weight)}"
        return f"from token {self.token}, unit {self.unit}: {len(self.steps)} steps, weight {weight}"
