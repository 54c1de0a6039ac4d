"""The floor of the house: errors and the process runner. Imports nothing of Campus."""
