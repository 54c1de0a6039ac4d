"""Solar power of the next hours with honest uncertainty, and what to offer the market on the strength of it."""
