"""How much carbon dioxide a country's electricity sets free, from the table that codecarbon ships."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path


def intensity(country: str = "LUX") -> tuple[float, int]:
    """Grams of carbon dioxide a kWh, and the year that holds for; ``country`` as ISO 3166-1 code of three letters.

    Raises ValueError for a country that the table does not have.
    """
    found = find_spec("codecarbon")
    assert found is not None
    assert found.origin is not None
    table = json.loads((Path(found.origin).parent / "data/private_infra/global_energy_mix.json").read_text("utf-8"))
    if country not in table:
        raise ValueError(f"{country} is not in codecarbon's table of countries")
    return float(table[country]["carbon_intensity"]), int(table[country]["year"])
