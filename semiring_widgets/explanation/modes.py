"""Modules that answer differently every time: those in training mode, by name."""

from __future__ import annotations

from torch import nn

__all__ = ["training_modules"]

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


def training_modules(model: nn.Module) -> list[str]:
    """Names of the submodules in training mode in which that can change an answer.

    A linear layer that was never told does not count; what is not torch's own may look at its mode.
    """
    return [name for name, module in model.named_modules() if module.training and _minds(module)]


def _minds(module: nn.Module) -> bool:
    # The older spectral norm is a hook that looks at the mode of a linear layer.
    if not type(module).__module__.startswith("torch.nn.modules.") or module._forward_pre_hooks:
        return True
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return module.dropout > 0
    # Without running statistics they use those of the batch in either mode.
    return isinstance(module, nn.RReLU) or (isinstance(module, _NORMS) and module.track_running_stats)
