"""HOW a session gets onto the cluster. Imports neither hub_config nor extensions."""
