"""Checks the package's folder for unsealed code as soon as this module is imported, before any
library is.

Only a package has a seal; in a checkout of AI Workflow nothing is checked."""

import os

from .unsealed import refuse_code_beside

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

refuse_code_beside(HOME)
