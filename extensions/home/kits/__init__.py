"""Starter kits on Home: what is published of them, read with care, and which session one opens in."""
