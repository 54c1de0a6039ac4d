"""The job of a session: its script, its environment, its certificate, and the report it sends back."""
