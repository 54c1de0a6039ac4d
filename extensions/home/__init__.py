"""Home: the page that people land on, and those of courses, in every browser's light and language.

It holds no power of its own. What it shows and does, it asks the hub and the exchange with the token of whoever is
signed in, so a person can do here what they may do anyhow.
"""
