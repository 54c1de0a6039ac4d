"""What the notebooks rely on."""

import numpy as np
import torch

from sensor.data import readings, split, windows
from sensor.model import Forecaster


def test_the_same_seed_gives_the_same_readings():
    assert np.array_equal(readings(50, 1), readings(50, 1))
    assert not np.array_equal(readings(50, 1), readings(50, 2))


def test_windows_end_before_what_they_forecast():
    past, future = windows(np.arange(10, dtype=np.float32), length=3, ahead=2)
    assert past.shape == (6, 3)
    assert np.array_equal(future, past[:, -1] + 2)


def test_the_parts_follow_each_other_in_time():
    learn, choose, test = split(np.arange(100, dtype=np.float32))
    assert (learn[-1], choose[0], choose[-1], test[0]) == (69, 70, 84, 85)


def test_a_forecast_is_one_number_for_each_window():
    torch.manual_seed(0)
    assert Forecaster(24, 8).forecast(np.ones((5, 24), dtype=np.float32)).shape == (5,)
