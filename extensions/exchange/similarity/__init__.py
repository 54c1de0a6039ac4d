"""Which submissions are alike, beyond what they were given. It shows, and judges nothing."""
