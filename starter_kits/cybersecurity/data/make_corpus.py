"""Makes attacks.csv and odd_benign.csv from clones of two public repositories. Not needed to run the kit.

    python data/make_corpus.py CRS_CLONE LIBINJECTION_CLONE

CRS_CLONE is the OWASP Core Rule Set (github.com/coreruleset/coreruleset, Apache-2.0), LIBINJECTION_CLONE is
libinjection (github.com/libinjection/libinjection, BSD-3-Clause), both with their history: the date of an entry is
the day on which it first appears there. Needs git and PyYAML.

What is kept: from the Core Rule Set's regression tests, requests that a rule of paranoia level 1 or 2 must catch
(attacks), and requests that their description calls a false positive (odd, but benign); from libinjection, its attack
strings, at most 700 of a file, and its list of searches that were once false positives: without those that hold an
address of mail, and with an example for addresses of pages. In attacks, addresses of mail become a@mail.example. Of a
request, only what a person could have typed is kept: the longest value of its query or its form.
"""

from __future__ import annotations

import contextlib
import csv
import random
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import yaml

FAMILIES = {
    "930": "path traversal",
    "931": "remote file",
    "932": "shell command",
    "933": "PHP code",
    "934": "template, script code",
    "941": "cross-site scripting",
    "942": "SQL injection",
    "944": "Java, JNDI",
}
MAIL = re.compile(
    r"\b[\w.+-]{2,40}@[\w-]+(\.[\w-]+)*\.(com|net|org|us|de|fr|it|ru|br|tr|ro|info|edu|uk|tld|me|cn|nl|pl)\b"
)
Row = tuple[str, str, str, str]  # date, family, source, payload


def git(folder: str, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")


def first_days(folder: str) -> dict[str, str]:
    """The day on which each value first appears in the tests' history."""
    log = git(folder, "log", "-p", "-U0", "--reverse", "--no-renames", "--format=@@@ %as", "--", "tests", "util")
    found: dict[str, str] = {}
    day = ""
    for line in log.splitlines():
        if line.startswith("@@@ "):
            day = line[4:]
        elif line.startswith("+") and not line.startswith("+++"):
            text = line[1:].strip()
            values = [text]
            if pair := re.match(r"-?\s*\"?[\w-]+\"?\s*:\s*(.+)$", text):
                values.append(pair[1].strip("\"'"))
                with contextlib.suppress(yaml.YAMLError):
                    values.append(str(yaml.safe_load(pair[1])))
            for value in values:
                found.setdefault(value.strip(), day)
    return found


def levels(folder: str) -> dict[int, int]:
    """Each rule's paranoia level."""
    found = {}
    for name in git(folder, "ls-tree", "-r", "--name-only", "HEAD", "rules").split():
        if name.endswith(".conf"):
            for block in re.split(r"\n\s*\n", git(folder, "show", f"HEAD:{name}")):
                number, level = re.search(r"id:(\d{6})", block), re.search(r"paranoia-level/(\d)", block)
                if number and level:
                    found[int(number[1])] = int(level[1])
    return found


def longest_value(text: str) -> str:
    """The longest value of a query or a form; the whole where it is neither."""
    text = text.strip()
    if text[:1] in "<{[":
        return text
    values = [value or name for name, value in parse_qsl(text, keep_blank_values=True)]
    return max(values, key=len).strip() if values else unquote_plus(text)


def core_rule_set(folder: str) -> tuple[list[Row], list[Row]]:
    days, level = first_days(folder), levels(folder)
    attacks: list[Row] = []
    odd: list[Row] = []
    for name in git(folder, "ls-tree", "-r", "--name-only", "HEAD", "tests/regression/tests").split():
        family = re.search(r"REQUEST-(\d{3})", name)
        tests = yaml.load(git(folder, "show", f"HEAD:{name}"), Loader=yaml.CSafeLoader) if family else None
        if not tests or not family or family[1] not in FAMILIES:
            continue
        for test in tests["tests"]:
            words = str(test.get("desc", ""))
            for stage in test["stages"]:
                log = stage.get("output", {}).get("log") or {}
                asked = stage["input"]
                uri, data = asked.get("uri"), asked.get("data")
                text = data if isinstance(data, str) else urlsplit(uri).query if isinstance(uri, str) else ""
                said = str(data if isinstance(data, str) else uri).strip()
                day = days.get(said) or days.get(said.split("\n")[0].strip())
                value = longest_value(text or "")
                if not day or len(value) < 6:
                    continue
                row = (day, FAMILIES[family[1]], "Core Rule Set", value)
                if log.get("expect_ids"):
                    if level.get(tests["rule_id"], 9) <= 2 and len(value) >= 8:
                        attacks.append(row)
                elif re.search(r"false.positive|\bFP\b", words, re.I) and "Known" not in words:
                    odd.append(row)
    return attacks, odd


def libinjection(folder: str) -> tuple[list[Row], list[Row]]:
    attacks: list[Row] = []
    odd: list[Row] = []
    choose = random.Random(1)  # noqa: S311
    for name in git(folder, "ls-tree", "-r", "--name-only", "HEAD", "data").split():
        stem = Path(name).stem
        family = {"sql": "SQL injection", "xss": "cross-site scripting"}.get(stem[:3])
        if not family and stem != "false_positives":
            continue
        day = git(folder, "log", "--diff-filter=A", "--format=%as", "--", name).split()[-1]
        lines = [line for line in git(folder, "show", f"HEAD:{name}").splitlines() if line and line[0] != "#"]
        if len(lines) > 700:
            lines = choose.sample(lines, 700)
        for line in lines:
            value = re.sub(r"^test \S+ ", "", unquote_plus(line)).strip()
            if family and len(value) >= 8:
                attacks.append((day, family, "libinjection", value))
            elif not family and len(value) >= 4 and "@" not in value:
                value = re.sub(r"(https?://)\S+", r"\1www.example.com/a-b_c/2011/11/1st-d.html", value.lower())
                odd.append((day, "search", "libinjection", value))
    return attacks, odd


def write(file: Path, rows: list[Row]) -> None:
    once: dict[str, Row] = {}
    for row in sorted(rows):
        value = MAIL.sub("a@mail.example", re.sub(r"[\0\r]+", "", row[3])).encode("utf-8", "replace").decode()[:300]
        once.setdefault(value, (*row[:3], value))
    with file.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["date", "family", "source", "payload"])
        table.writerows(once.values())


if __name__ == "__main__":
    here = Path(__file__).parent
    crs, crs_odd = core_rule_set(sys.argv[1])
    lib, lib_odd = libinjection(sys.argv[2])
    write(here / "attacks.csv", crs + lib)
    write(here / "odd_benign.csv", crs_odd + lib_odd)
