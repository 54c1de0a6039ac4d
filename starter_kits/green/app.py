# %% [markdown]
# # Solar park: the next hours, and what to offer
#
# Choose a park and a day of the test year, which the forecaster has never seen. The fan says what may come; the offer
# follows from it, from the prices, and from how cautious you are.

# %%
import sys

sys.path.insert(0, ".")

from IPython.display import Markdown, display

from solar import desk

try:
    desk.Desk().show()
except FileNotFoundError:
    display(Markdown("There is no trained model yet: **run notebook 4 first**, or `python -m solar.train`."))
