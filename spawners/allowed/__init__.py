"""What a person may ask for: the site's offer, within what Slurm lets them have."""
