"""A session from its submission to its end: placed, ready, in use, idle, adopted by the next hub, over."""
