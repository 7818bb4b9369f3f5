"""One class per structure of a local Jacobian; blocks know shapes and derivatives, but no operator.

Internal: use `semiring_widgets.core.jacobian`, which has the names that a rule of your own needs.
"""
