"""Sharpen a satellite's coarse infrared bands with the help of its finer ones."""
