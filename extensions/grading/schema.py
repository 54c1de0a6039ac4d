"""nbgrader (0.9.6) checks its own schema anew for each cell, a third of its work: once is enough.

Its check of the cell is the same as ever.
"""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace
from typing import Any
from unittest import mock

import jsonschema
import nbgrader.nbgraderformat.common


@functools.cache
def _validator(schema: str) -> Any:
    loaded = json.loads(schema)
    kind = jsonschema.validators.validator_for(loaded)
    kind.check_schema(loaded)
    return kind(loaded)


def _validate(instance: Any, schema: dict[str, Any]) -> None:
    """As jsonschema.validate. Raises jsonschema.ValidationError."""
    if error := jsonschema.exceptions.best_match(_validator(json.dumps(schema)).iter_errors(instance)):
        raise error


def checked_once() -> Any:
    """A context in which nbgrader's schema is checked once."""
    return mock.patch.object(nbgrader.nbgraderformat.common, "jsonschema", SimpleNamespace(validate=_validate))
