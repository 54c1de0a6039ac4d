# %% [markdown]
# # Your first hour
#
# You are in a **session**: JupyterLab, on a node of the cluster, under your own account. This notebook shows you what
# is around you: your files, the GPU if you have one, the queue, and where help is.
#
# A notebook is made of cells. Click on the next one and press **Shift + Enter**: it runs, and what it says appears
# below.

# %%
import getpass
import os
import platform
import shutil
import time
from pathlib import Path

print(f"You are {getpass.getuser()}, on the node {platform.node()}, with Python {platform.python_version()}.")

# %% [markdown]
# Python now remembers what these lines did until the kernel is restarted (menu *Kernel*). Change something in a cell
# and run it again as often as you like: nothing here can break the cluster.
#
# ## Your files
#
# What you save lies in your **home folder**. It is there in every session, whatever its size, and stays when a
# session ends. The list on the left shows it.

# %%
home = Path.home()
free = shutil.disk_usage(home).free
print(f"Your home folder is {home}")
print(f"The file system that it lies on has {free / 1e9:.1f} GB free; your own quota may be less.")

note = home / "first-hour.txt"
note.write_text("I was here.\n")
print(f"A file was written: {note.name}, {note.stat().st_size} bytes.")

# %% [markdown]
# Drag a file from your computer onto the list on the left to upload it; right-click a file there to download it.
# JupyterLab saves a notebook by itself after a change; **Ctrl + S** saves at once. Variables live in memory only:
# write what you want to keep to a file.

# %%
note.unlink()
print("The file is gone again:", not note.exists())

# %% [markdown]
# ## Processors and a GPU
#
# Slurm, the program that shares the cluster out, gave your session processors, memory and, if you chose such a size,
# a GPU. They are yours until it ends; a slice of a GPU, where a site offers one, shares the GPU with others.

# %%
import torch

cpus = len(os.sched_getaffinity(0))
device = "cuda" if torch.cuda.is_available() else "cpu"
print(f"Processors for this session: {cpus}")
if device == "cuda":
    memory = torch.cuda.get_device_properties(0).total_memory / 1e9
    print(f"GPU: {torch.cuda.get_device_name()}, {memory:.0f} GB of memory")
elif os.environ.get("CUDA_VISIBLE_DEVICES"):
    print("Slurm granted a GPU, but there is none that PyTorch can use: this may be a demo, where GPUs are only acted.")
else:
    print("No GPU: this session has processors only, which is enough for this notebook.")

# %% [markdown]
# The same code runs on both; only `device` differs. A matrix product shows how fast it is here:

# %%
size = 4096 if device == "cuda" else 512
a = torch.rand(size, size, device=device)
(a @ a).sum().item()  # the first one also loads libraries
began = time.perf_counter()
for _ in range(5):
    total = (a @ a).sum().item()
seconds = (time.perf_counter() - began) / 5
print(f"{size} x {size} on the {device}: {seconds * 1000:.1f} ms, {2 * size**3 / seconds / 1e12:.3f} Tflop/s")

# %% [markdown]
# A first model: fit a line to noisy points, by gradient descent. It learns the slope 3 and the intercept 1.

# %%
torch.manual_seed(0)
x = torch.linspace(-1, 1, 200, device=device).unsqueeze(1)
y = 3 * x + 1 + 0.1 * torch.randn_like(x)
model = torch.nn.Linear(1, 1).to(device)
optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
for _ in range(200):
    optimiser.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimiser.step()
slope, intercept = model.weight.item(), model.bias.item()
print(f"slope {slope:.2f}, intercept {intercept:.2f}, mean squared error {loss.item():.4f}")

# %% [markdown]
# ## The queue
#
# A session is a **job** of Slurm's. It waits in a queue until there is room, runs until its time is over, and then
# ends. The bar at the bottom of JupyterLab says how much time is left, and gives more with one click where the site
# allows it. A session that nobody uses may be ended earlier: JupyterLab warns you, and you can keep it.

# %%
job = os.environ.get("SLURM_JOB_ID")
if job:
    print(f"This session is job {job} in the partition {os.environ.get('SLURM_JOB_PARTITION', '?')}.")
else:
    print("This notebook does not run in a job of Slurm's.")

# %% [markdown]
# The same commands as at a terminal work here (menu *File*, *New*, *Terminal*, or with `!` in a cell). `squeue` shows
# your jobs where Slurm's programs are installed on the node:

# %%
import subprocess

if job and shutil.which("squeue"):
    asked = subprocess.run(["squeue", "--me"], capture_output=True, text=True, timeout=60, check=False)
    print(asked.stdout or asked.stderr)
else:
    print("squeue is not here; Home shows what your session does.")

# %% [markdown]
# **When you have finished, stop the session** on Home: what you hold, nobody else can use. Close the browser only
# when you want the session to go on without you.
#
# ## Where help is

# %%
from IPython.display import Markdown

address = os.environ.get("CAMPUS_HOME_URL", "")
home_page = f"[Home]({address})" if address else "Home (an operator knows its address)"
Markdown(
    f"""
- {home_page}: your session, courses, starter kits and recent work
- In a course: your instructor, and *Validate* before you submit
- In a cell: write `torch.nn.Linear?` and run it, and the documentation of that function appears
- A kernel that hangs: menu *Kernel*, *Restart Kernel*; a session that hangs: stop it on Home, and start it again
- A session that ended by itself says why on Home
"""
)

# %% [markdown]
# Next: open a course or a starter kit from Home.
