"""Layer-wise relevance propagation for transformers, as slopes: relevance is slope times input."""

from __future__ import annotations

from semiring_widgets.core.rules.linear import Linear

__all__ = ["LRP"]


class LRP(Linear):
    """AttnLRP (Achtibat et al. 2024, https://arxiv.org/abs/2402.05602).

    Identity rule for norms and activations (denominators constant, f(x)/x), uniform rule for products (half
    to each factor), Taylor rule for softmax (its derivative). As the authors' package ``lxt`` computes it.
    So it is `Linear` with fewer constants.
    """

    name = "lrp"
    constant = ("norm", "quotient", "activation")
