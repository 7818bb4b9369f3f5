"""One question asked of many inputs: recorded and swept once, then replayed by the GPU alone.

What Python tells a GPU is the same for all inputs of a shape, and takes most of the time. A CUDA graph holds
it.

Internal: use `semiring_widgets.repeated`.
"""

from semiring_widgets.core.capture.repetition import Repeated, repeated

__all__ = ["Repeated", "repeated"]
