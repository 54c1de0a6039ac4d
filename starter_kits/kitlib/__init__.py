"""What every starter kit computes, tracks and shows with.

Notebooks say ``from kitlib import compute, tracking, figures, card, batch``.

Publishing copies this folder into each kit, so a kit stands alone. It needs nothing of Campus: torch, MLflow,
TensorBoard, codecarbon and ipywidgets, each imported when it is first used.
"""
