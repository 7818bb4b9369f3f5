"""From an operator to its blocks: `rule_table` says which rule is whose, the other files are the rules.

Internal: use `semiring_widgets.core.jacobian.register` to add a rule of your own.
"""
