"""``python -m semiring_widgets``: the command line."""

from semiring_widgets.cli import main

raise SystemExit(main())
