"""Gatewatch: which requests to a web shop are attacks, within the alarms that people can look at."""
