# %% [markdown]
# # A coarse infrared camera, sharpened
#
# Move over the scene. On the left is what a camera with pixels of 114 m would send, then the same sharpened with the
# help of the visible bands, then what Landsat 7 measured. Where the networks disagree by more than your limit, the
# pixels are flagged: do not build a decision on them.

# %%
import sys

sys.path.insert(0, ".")

from IPython.display import Markdown, display

from sharpen import desk

if desk.trained():
    desk.Desk().show()
else:
    display(
        Markdown("There are no trained networks yet: **run notebooks 1 to 3 first**, or `python -m sharpen.train`.")
    )
