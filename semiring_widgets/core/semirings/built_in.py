"""The built-in semirings: each file that holds some is named here, by one line.

Its ``__all__`` says which classes are public, and so is `semiring_widgets.semirings`; those that can be asked
for by name say so themselves, by `register`.
"""

from semiring_widgets.core.semirings.best import *
from semiring_widgets.core.semirings.boolean import *
from semiring_widgets.core.semirings.hops import *
from semiring_widgets.core.semirings.kbest import *
from semiring_widgets.core.semirings.linear import *
from semiring_widgets.core.semirings.mass import *
from semiring_widgets.core.semirings.moments import *
