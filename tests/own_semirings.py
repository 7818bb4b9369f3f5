"""Semirings as a user would write them: each fits on a screen and overrides nothing that it need not."""

import math

import torch

from semiring_widgets import Semiring


class Bottleneck(Semiring):
    """The widest path: of each path the smallest |weight| counts, of all paths the largest of these."""

    zero, one = (0.0,), (math.inf,)

    def lift(self, weight):
        return (weight.abs(),)

    def times(self, a, b):
        return (torch.minimum(a[0], b[0]),)

    def plus(self, a, b):
        return (torch.maximum(a[0], b[0]),)


class Collision(Semiring):
    """Collision entropy: minus the log of the chance that two random paths are the same one."""

    name, unit = "collision entropy", "nats"
    zero, one = (-math.inf, -math.inf), (0.0, 0.0)

    def lift(self, weight):
        log = weight.abs().log()
        return (log, 2 * log)

    def times(self, a, b):
        return (a[0] + b[0], a[1] + b[1])

    def plus(self, a, b):
        return (torch.logaddexp(a[0], b[0]), torch.logaddexp(a[1], b[1]))

    def readout(self, value):
        mass, squares = value
        return 2 * mass - squares
