"""The Python half of ``js/src/contract.ts``: what travels between results and their view.

`messages` are JSON headers with one binary buffer, `answers` those that a click asks for, `bundle` is the
JavaScript on the other side. A live widget and an exported page speak the same messages.
"""
