"""The Python half of ``js/src/contract.ts``: what travels between results and their view.

`table` has every message type and `fields` what they hold beside plain types; `messages` builds them,
`requests` reads what the page sends, `answers` answers it, `typescript` writes the other half, `bundle` is
the JavaScript on the other side. A live widget and an exported page speak the same messages.

Internal: use `semiring_widgets.widgets`.
"""
