"""`torch.autograd.Function`s, which a dispatch mode does not see: how their calls are caught and recorded.

Internal: use `semiring_widgets.record`.
"""
