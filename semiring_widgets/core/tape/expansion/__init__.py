"""Composite operators written as others: what each granularity counts, and what every one needs.

Internal: use `semiring_widgets.record`, whose ``granularity`` chooses.
"""
