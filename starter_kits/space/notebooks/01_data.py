# %% [markdown]
# # One camera too coarse
#
# Short-wave infrared tells wet from dry, burnt from green, cloud from snow. Its detectors are costly and their pixels
# are large, so a small satellite may carry a short-wave camera that is coarser than its visible one. **Can software
# close the gap?** Then the cheaper camera will do. An operator asks this before a satellite is bought, and here it is
# answered on a real image, with the error in numbers.
#
# The image is from Landsat 7: all six bands at 28.5 m. We make a coarse camera from it, so the truth is known.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from kitlib import compute
from sharpen import data, pictures
from sharpen.evaluate import COVERS, covers

print(compute.choose())
image = data.load()
given = data.scene(image)
height, width = image.shape[2:]
high, wide = (side * data.PIXEL / 1000 for side in (height, width))
print(f"{image.shape[1]} bands, {height} x {width} pixels, {high:.1f} x {wide:.1f} km")

# %% [markdown]
# ## The place
#
# The coast at Olinda and Recife in Brazil: a dense city, hills with trees, beaches, surf and the Atlantic. The file
# says where, but not **when** it was taken, and nothing about clouds; look for both first in any image that you get.

# %%
pictures.overview(given)

# %% [markdown]
# ## What a value means
#
# A digital number is linear in the light that reached the sensor. 255 is saturated: there the truth is unknown. The
# gains that turn numbers into W/(m² sr µm) are not in the file, so errors in this kit are in digital numbers (DN).

# %%
values = (image[0] * data.DN).flatten(1)
pd.DataFrame(
    {
        "band": [name for name, *_ in data.BANDS.values()],
        "mean": values.mean(1).round(decimals=1),
        "spread": values.std(1).round(decimals=1),
        "smallest": values.amin(1),
        "largest": values.amax(1),
        "saturated, %": (100 * (values == 255).float().mean(1)).round(decimals=3),
    },
    index=list(data.BANDS),
)

# %%
pictures.histograms(image)

# %% [markdown]
# ## The coarse camera
#
# A pixel four times as wide measures the mean over 4 x 4 fine ones. Most of what a person recognises is gone. (Real
# optics blur a little more; notebook 4 tests what that does.)

# %%
sent = given.coarse[0, 0].repeat_interleave(data.FACTOR, 0).repeat_interleave(data.FACTOR, 1)
shown = {
    "Red band: 28.5 m": given.fine[0, 2],
    "Short-wave band 5: 114 m": sent,
    "Band 5 as measured: 28.5 m": given.truth[0, 0],
}
pictures.side_by_side({name: (plane * data.DN).numpy() for name, plane in shown.items()}, 268, 130, 76)

# %% [markdown]
# ## Three parts, by place
#
# Neighbouring pixels are alike. Had we drawn test pixels at random, each would have a twin in training, and every model
# would look better than it is. So the north is for learning, a strip for choosing, and the **south only for the test**.
# Strips of 456 m between them belong to none. The parts differ, as new ground does:

# %%
kind = covers(given)
pd.DataFrame(
    {
        name: [f"{100 * (kind[first:last] == at).mean():.0f} %" for at in range(len(COVERS))]
        for name, (first, last) in data.PARTS.items()
    },
    index=list(COVERS),
)
