"""What JupyterLab and its kernels are given. ``etc`` is installed as the environment's own ``etc``."""
