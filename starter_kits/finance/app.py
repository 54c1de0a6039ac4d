# %% [markdown]
# # The Monday list
#
# Set what a false alarm and a miss cost, or how many alerts the team can take. The list shows the week's alerts, and
# below it are the reasons for one of them.

# %%
import sys

sys.path.insert(0, ".")

from IPython.display import Markdown, display

from aml import desk

try:
    desk.Desk().show()
except FileNotFoundError:
    display(Markdown("There is no trained model yet: **run notebooks 1 to 3 first**, or `python -m aml.train`."))
