"""How ``landsat7_olinda.png`` was made from the GeoTIFF ``L7_ETMs.tif``; run once, by hand, and kept as a record.

    python data/make_image.py L7_ETMs.tif data/landsat7_olinda.png

The GeoTIFF lies in the R package stars (Debian: r-cran-stars). It holds six bands of eight bits, band after band for
each pixel, in strips packed by deflate (TIFF tag 259 = 8), without a predictor. No value is changed: the PNG has the
six bands one below the other, because every image library reads it.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 12: "d"}  # TIFF 6.0, section 2


def read_tiff(path: Path) -> np.ndarray:
    """The image as [row, column, band]."""
    data = path.read_bytes()
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    tags: dict[int, tuple] = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, many = struct.unpack_from(order + "HHI", data, entry)
        layout = f"{order}{many}{_TYPES[kind]}"
        at = entry + 8
        if struct.calcsize(layout) > 4:
            (at,) = struct.unpack_from(order + "I", data, at)
        tags[tag] = struct.unpack_from(layout, data, at)
    strips = (zlib.decompress(data[at : at + size]) for at, size in zip(tags[273], tags[279], strict=True))
    return np.frombuffer(b"".join(strips), "u1").reshape(tags[257][0], tags[256][0], tags[277][0])


if __name__ == "__main__":
    image = read_tiff(Path(sys.argv[1]))
    Image.fromarray(np.concatenate(list(image.transpose(2, 0, 1)))).save(sys.argv[2], optimize=True)
