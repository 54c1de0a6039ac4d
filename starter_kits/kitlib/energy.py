"""How much electricity something took, as codecarbon measures or estimates it, without the network."""

from __future__ import annotations

import logging
from typing import Any


class Meter:
    """Measures from when it is made until :meth:`stop`.

    codecarbon reads the counters of processor and GPU where it may (RAPL, NVML), and else estimates the processor's
    share from its load and its rated power, and memory's from its size.
    """

    def __init__(self, country: str) -> None:
        from codecarbon import OfflineEmissionsTracker

        # It is noisy where a counter cannot be read, which is most places; the import sets its level anew.
        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)

        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code=country,
            measure_power_secs=10,
            save_to_file=False,
            allow_multiple_runs=True,
            log_level="critical",
            tracking_mode="process",
        )
        self._tracker.start()

    def stop(self) -> tuple[float, float]:
        """Energy in kWh, and the carbon dioxide in kg that making it in that country sets free."""
        emitted = self._tracker.stop()
        energy = self._tracker.final_emissions_data.energy_consumed
        return float(energy), float(emitted or 0.0)
