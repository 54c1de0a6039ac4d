"""A published kit as Home finds it in the catalogue: small, and not to be run."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

NOTEBOOKS = {
    "01_data": "<h1>Understand the data<a class='anchor-link' href='#x'>¶</a></h1><p>Days, in <em>order</em>.</p>",
    "02_model": "<h1>Train</h1><h3>An autoencoder</h3><pre>loss 0.1</pre>",
}
SHEET = {
    "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
    "@type": "sc:Dataset",
    "name": "Payments",
    "description": "Payments of a made-up bank.",
    "license": "https://creativecommons.org/publicdomain/zero/1.0/",
    "creator": {"@type": "Organization", "name": "Campus", "url": "https://example.org/"},
    "rai:dataCollection": "Drawn by a generator with a fixed seed.",
    "rai:personalSensitiveInformation": "None: nobody in it exists.",
    "distribution": [{"@type": "cr:FileObject", "name": "payments.csv", "contentSize": "120 kB", "sha256": "ab" * 32}],
    "recordSet": [{"field": [{"name": "amount", "dataType": "sc:Float", "description": "In euro."}]}],
}


def manifest(name: str, **other: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": "Find <money> laundering",
        "summary": "A graph of payments, and a model that finds the odd ones.",
        "sector": "finance",
        "minutes": 75,
        "size": "gpu1",
        "package": "aml",
        "result": ["a model that ranks payments", "an app for a bank's analyst"],
        "licence": "Apache-2.0",
        "metric": "average precision",
        "better": "higher",
        "margin": 0.05,
        "picture": "pictures/result.png",
        "picture_alt": "Two curves: the model's is above the baseline's",
        "notebooks": [
            {"file": "01_data.py", "title": "Understand the data"},
            {"file": "02_model.py", "title": "Train a model"},
        ],
        "data": [
            {
                "name": "Synthetic payments",
                "source": "made by this kit",
                "licence": "CC0-1.0",
                "personal": False,
                "synthetic": True,
                "note": "A hundred thousand transfers of a year.",
            }
        ],
        **other,
    }


def png(width: int = 640, height: int = 360) -> bytes:
    """A picture: steps from light to dark."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes(255 - x * 200 // width // 20 * 20 for x in range(width))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(row * height)), chunk(b"IEND", b""))
    )


def publish(catalogue: Path, name: str, **other: Any) -> Path:
    """The kit's folder in the catalogue; ``other`` are fields of its manifest."""
    folder = catalogue / name
    for part in ("notebooks", "pictures"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for stem, text in NOTEBOOKS.items():
        (folder / "notebooks" / f"{stem}.html").write_text(text)
    (folder / "pictures" / "result.png").write_bytes(png())
    (folder / "readme.html").write_text("<h1>A title of its own</h1><h2>First steps</h2><p>Open the notebooks.</p>")
    (folder / "card.html").write_text("<h1>Model card</h1><p>Not for decisions about people.</p>")
    (folder / "croissant.json").write_text(json.dumps(SHEET))
    (folder / "kit.json").write_text(json.dumps(manifest(name, **other)))
    for path in (catalogue, folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
