"""Which node a tensor is, while tensors share memory and models write into it.

Internal: use `semiring_widgets.record`.
"""
