"""The built-in semirings: each file that holds some is named here, by one line.

Its ``__all__`` says which classes are public, and so is `semiring_widgets.semirings`; those that can be asked
for by name say so themselves, by `register`.
"""

from semiring_widgets.core.semirings.boolean import *
from semiring_widgets.core.semirings.hops import *
from semiring_widgets.core.semirings.k_best import *
from semiring_widgets.core.semirings.log_mass import *
from semiring_widgets.core.semirings.maxima import *
from semiring_widgets.core.semirings.sums import *
from semiring_widgets.core.semirings.variance import *
