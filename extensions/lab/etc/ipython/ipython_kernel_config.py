# Run by every Python kernel of this environment before it listens (IPython.core.application, ENV_CONFIG_DIRS).
import ipykernel.kernelapp

from extensions.lab.pipe import PrivatePipe

# Set, not configured: ipykernel has no setting for it.
ipykernel.kernelapp.IOPubThread = PrivatePipe

# When a session needs more memory than it asked for, its kernel is to be killed, never its server
# (proc(5), oom_score_adj).
with open("/proc/self/oom_score_adj", "w") as score:
    score.write("500")
