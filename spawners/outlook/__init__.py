"""What a person can expect now: of each size before a start, and while a session waits."""
