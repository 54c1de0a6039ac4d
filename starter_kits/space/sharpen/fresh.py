"""The experiment on a scene that nobody had seen when its settings were made: ``python -m sharpen.fresh``.

Landsat 7 again, inland and on another continent: Raleigh, North Carolina, in 2000. The parts are those of the kit, but
that the scene is four rows shorter, and the south with it.
"""

from __future__ import annotations

from typing import Any

from kitlib import compute
from sharpen import baseline, facts, train
from sharpen.data import FILE, Scene, load, scene

FRESH = FILE.with_name("landsat7_raleigh.png")


def experiment(learned: Scene, tested: Scene, on: compute.Compute) -> dict[str, Any]:
    """All that is chosen and learned is so on one scene; what :func:`facts.gather` finds is of the other's south."""
    regression, _ = baseline.best_regression(learned)
    trees, _ = baseline.best_trees(learned, regression, on.pick(baseline.TREES, baseline.MORE_TREES))
    return facts.gather(tested, regression, trees, train.networks(learned, on, lambda values, step: None))


def main() -> None:
    """Prints a line for each choice of ground to learn and to test on. Less than a minute each at the default scale."""
    on = compute.choose()
    image = load(FRESH)
    olinda, raleigh, turned = scene(), scene(image), scene(image.flip(2))
    ways = {
        "Raleigh, learned in its north, tested on its south": (raleigh, raleigh),
        "Raleigh, learned in its south, tested on its north": (turned, turned),
        "Raleigh's south, learned at Olinda": (olinda, raleigh),
    }
    for name, (learned, tested) in ways.items():
        found = experiment(learned, tested, on)
        print(
            f"{name}: interpolated {found['bicubic']:.2f} DN, regression {found['regression']:.2f}, "
            f"trees {found['trees']:.2f}, one network {found['one_network']:.2f}, networks {found['model']:.2f}, "
            f"gain {found['gain']:+.2f} "
            f"(blocks drawn anew, 95 %: {found['gain_low']:+.2f} to {found['gain_high']:+.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
