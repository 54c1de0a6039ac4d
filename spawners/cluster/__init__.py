"""What the hub knows of the cluster and of everybody's jobs, asked once for all."""
