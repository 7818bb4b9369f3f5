"""The gradient: every edge carries its local derivative. The default; nothing is asked."""

from __future__ import annotations

from semiring_widgets.core.rules.rule import Rule

__all__ = ["Gradient"]


class Gradient(Rule):
    """Local derivatives, so that all paths together are what autograd gives."""

    name = "gradient"
