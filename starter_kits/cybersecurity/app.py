# %% [markdown]
# # Gatewatch
# **Is this request an attack?** Edit it or take another: you see its score, which parts it comes from, and whether
# it would be an alarm within the budget. The shop and its traffic are synthetic; the attacks were published.

# %%
import sys

sys.path.insert(0, ".")
from gatewatch import console

console.show()
