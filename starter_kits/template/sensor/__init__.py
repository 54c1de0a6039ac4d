"""Forecasting a sensor's next value from those before: data, baselines, a small network, and its training."""
