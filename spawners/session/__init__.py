"""What runs inside the job, on the node: the other end of the spawner. Needs the session environment only."""
