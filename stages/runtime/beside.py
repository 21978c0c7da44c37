"""Looks for foreign code beside the runtime when it is imported: before any library is.

In a package this is the package's folder; in the house above there is no seal to look at."""

import os

from .unsealed import refuse_code_beside

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

refuse_code_beside(HOME)
