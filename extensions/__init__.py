"""What Campus adds to JupyterHub and JupyterLab: each is one small package with one job."""
