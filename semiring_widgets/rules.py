"""Rules: which number an edge of the gradient graph carries; for ``rules=`` of `backprop` and all others.

==============  ====================================================================================
``"gradient"``  local derivatives: all paths together are what autograd gives
``"linear"``    softmax weights, norm denominators and f(x)/x constant: slopes x inputs + biases = score
``"secant"``    finite differences to a reference: all paths x (input - reference) = score - its score
``"lrp"``       AttnLRP (Achtibat et al. 2024)
``"gim"``       gradient interaction modifications (Edin et al. 2025)
==============  ====================================================================================

Every semiring, path, route and flow can be had under each. A rule of your own is a subclass of `Rule`:

>>> import torch, semiring_widgets as sw
>>> class Straight(sw.rules.Rule):  # activations are taken for the identity
...     name = "straight"
...     def pointwise(self, step):
...         return step.slopes({x: torch.ones_like(step.value(x)) for x in step.inputs})
>>> x = torch.tensor([-1.0, 2.0])
>>> with sw.record() as tape:
...     score = (x.relu() * torch.tensor([5.0, 7.0])).sum()
>>> sw.backprop(tape, score, x, rules=Straight())
Result(sum, shape [2], granularity primitive, level unit, rules straight)
>>> sw.backprop(tape, score, x, rules=Straight()).value, sw.backprop(tape, score, x).value
(tensor([5., 7.]), tensor([0., 7.]))
"""

from semiring_widgets.core.rules import GIM, LRP, Gradient, Linear, Rule, Secant, Step

__all__ = ["GIM", "LRP", "Gradient", "Linear", "Rule", "Secant", "Step"]
