"""``python -m extensions.grading.sandbox``: whether this account can run student code on this machine."""

from __future__ import annotations

import sys

from campus_base.errors import CampusError
from extensions.grading.sandbox import outer

try:
    outer.check()
except CampusError as error:
    sys.exit(f"{error}\n{error.detail}".strip())
print("Student code can be run here.")
