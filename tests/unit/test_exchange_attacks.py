"""What the exchange refuses: people who reach for what is not theirs, and uploads that are not what they should be."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.exchange import Exchange, key, running, tar, untar
from tests.support.person import wait_for

COURSE, NAME = "/courses/dl", "/courses/dl/assignments/ps1"
POLICY = {"title": "x"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A course of Ada's and Bob's, whose instructor is ivo, and one that eve teaches."""
    with running(tmp_path_factory.mktemp("exchange") / "state") as found:
        found.hub.groups = {"ivo": ["instructor-dl"], "eve": ["instructor-other"], "tom": ["trainee-dl"]}
        found.put("ivo", f"{COURSE}/roster", [{"id": "ada"}, {"id": "bob"}])
        found.release("dl", "ps1", {"p1.ipynb": b"{}"})
        found.put("ivo", "/courses/dl/assignments/later", {"title": "Later", "opens": "2099-01-01T00:00:00Z"})
        found.release("dl", "later", {"secret.ipynb": b"{}"})
        yield found


@pytest.fixture(scope="module")
def submission(exchange: Exchange) -> str:
    """Ada's, with feedback; the path to it."""
    path = f"/submissions/{exchange.submitted('ada', 'dl', 'ps1')['id']}"
    assert exchange.send("ivo", "PUT", f"{path}/feedback", tar({"p1.html": b"hers"})).ok
    return path


ASKED = [
    ("GET", COURSE),
    ("PUT", COURSE),
    ("GET", f"{COURSE}/roster"),
    ("PUT", f"{COURSE}/roster"),
    ("PUT", f"{COURSE}/roster/eve"),
    ("DELETE", f"{COURSE}/roster/ada"),
    ("GET", f"{COURSE}/gradebook"),
    ("GET", f"{COURSE}/gradebook.csv"),
    ("GET", f"{COURSE}/audit"),
    ("GET", f"{COURSE}/analytics"),
    ("GET", f"{COURSE}/pending"),
    ("GET", f"{COURSE}/progress"),
    ("GET", f"{COURSE}/certificate"),
    ("GET", f"{COURSE}/assignments"),
    ("GET", NAME),
    ("PUT", NAME),
    ("GET", f"{NAME}/files"),
    ("PUT", f"{NAME}/files"),
    ("DELETE", f"{NAME}/files"),
    ("GET", f"{NAME}/submissions"),
    ("POST", f"{NAME}/submissions"),
    ("GET", f"{NAME}/similarity"),
    ("POST", f"{NAME}/similarity"),
    ("GET", f"{NAME}/extensions"),
    ("PUT", f"{NAME}/extensions/ada"),
    ("DELETE", f"{NAME}/extensions/ada"),
]
OF_ONE = [
    ("GET", ""),
    ("DELETE", ""),
    ("GET", "/files"),
    ("PUT", "/grade"),
    ("PUT", "/feedback"),
    ("GET", "/feedback"),
]
MEMBERS_MAY = {
    ("GET", COURSE),
    ("GET", f"{COURSE}/progress"),
    ("GET", f"{COURSE}/certificate"),
    ("GET", f"{COURSE}/assignments"),
    ("GET", NAME),
    ("GET", f"{NAME}/files"),
    ("GET", f"{NAME}/submissions"),
    ("POST", f"{NAME}/submissions"),
}


def tried(exchange: Exchange, who: str, method: str, path: str) -> Any:
    if path.endswith(("/files", "/submissions", "/feedback")) and method in ("PUT", "POST"):
        return exchange.send(who, method, path, tar({"p1.ipynb": b"theirs"}), replace="1")
    if path.endswith("/grade"):
        return exchange.ask(who, method, path, json={"score": 1, "max_score": 1})
    if path.endswith("/roster"):
        return exchange.ask(who, method, path, json=[])
    body = {} if "/roster/" in path or "/extensions" in path else POLICY
    return exchange.ask(who, method, path, json=body if method == "PUT" else None)


# eve teaches another course, mallory is signed in only, "other" is a service without a role here.
@pytest.mark.parametrize("who", ["eve", "mallory", "other"])
def test_a_stranger_gets_nowhere_by_any_route(who: str, exchange: Exchange, submission: str) -> None:
    for method, path in [*ASKED, *((m, submission + p) for m, p in OF_ONE)]:
        answer = tried(exchange, who, method, path)
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["code"] == "not-found"
    assert "dl" not in [course["id"] for course in exchange.get(who, "/courses")]


def test_a_trainee_does_what_trainees_do_and_no_more(exchange: Exchange, submission: str) -> None:
    for method, path in ASKED:
        if (method, path) not in MEMBERS_MAY:
            assert tried(exchange, "bob", method, path).status_code == 403, (method, path)
    for method, path in OF_ONE:
        assert tried(exchange, "bob", method, submission + path).status_code == 404, (method, path)


def test_nobody_sees_anothers_submission_in_a_list(exchange: Exchange, submission: str) -> None:
    for who in ("bob", "tom"):
        assert exchange.get(who, f"{NAME}/submissions?user=ada") == []
        assert exchange.get(who, NAME)["attempts_used"] == 0
    assert [one["user"] for one in exchange.get("ada", f"{NAME}/submissions")] == ["ada"]


def test_a_body_where_none_is_wanted_ends_no_connection(exchange: Exchange) -> None:
    """The proxy keeps its connections, and whose request is next on one is somebody else."""
    for who, status in (("bob", 403), ("eve", 404), ("nosy", 401)):
        assert exchange.ask(who, "DELETE", f"{NAME}/files", data=bytes(500_000)).status_code == status


def test_nobody_submits_as_another(exchange: Exchange) -> None:
    for params in ({"user": "ada"}, {"student": "ada"}):
        answer = exchange.submit("tom", "dl", "ps1", {"p1.ipynb": b"as ada?"}, **params)
        assert answer.json()["user"] == "tom"


def test_what_is_not_open_yet_is_seen_and_not_read(exchange: Exchange) -> None:
    later = exchange.get("ada", "/courses/dl/assignments/later")
    assert (later["state"], later["files"], later["sha256"]) == ("announced", [], None)
    assert later["refusal"]["code"] == "not-open"
    assert exchange.ask("ada", "GET", "/courses/dl/assignments/later/files").status_code == 409
    assert exchange.submit("ada", "dl", "later", {"x": b"x"}).json()["code"] == "not-open"


def test_without_a_token_or_its_scope_nothing_is_told(exchange: Exchange) -> None:
    for who in ("", "nosy"):
        for method, path in ASKED:
            assert tried(exchange, who, method, path).status_code == 401
    exchange.hub.silent = True
    try:
        assert exchange.ask("somebody-new", "GET", "/courses").json()["code"] == "hub-silent"
    finally:
        exchange.hub.silent = False


# ---------------------------------------------------------------- uploads


def special(kind: bytes, name: str = "x", link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry.tobuf() + bytes(1024)


def sparse() -> bytes:
    entry = tarfile.TarInfo("big")
    entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**12)}
    return entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def long_name() -> bytes:
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 500_000
    return entry.tobuf() + b"n" * 500_224 + bytes(1024)


def chained() -> bytes:
    """Names of names of names: tarfile itself would go as deep as they go."""
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 2
    return (entry.tobuf() + b"n\0" + bytes(510)) * 1500 + bytes(1024)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a symbolic link": lambda: special(tarfile.SYMTYPE, link="/etc/passwd"),
    "a link": lambda: special(tarfile.LNKTYPE, link="/etc/passwd"),
    "a device": lambda: special(tarfile.CHRTYPE),
    "a pipe": lambda: special(tarfile.FIFOTYPE),
    "up": lambda: tar({"../x": b""}),
    "up inside": lambda: tar({"a/../../x": b""}),
    "absolute": lambda: tar({"/etc/x": b""}),
    "a folder up": lambda: special(tarfile.DIRTYPE, "../x"),
    "a line break": lambda: tar({"a\nb": b""}),
    "turned text": lambda: tar({"a\u202eb": b""}),
    "no UTF-8": lambda: tar({"a\udcff": b""}),
    "a null byte": lambda: tar({"ü\0b": b""}),
    "twice": lambda: tar({"a": b""})[:512] + tar({"a": b""}),
    "twice once normalised": lambda: tar({"\u00e9": b"", "e\u0301": b""}),
    "file and folder": lambda: tar({"a": b"", "a/b": b""}),
    "sparse": sparse,
    "compressed": lambda: gzip.compress(tar({"a": bytes(500_000)})),
    "a zip": lambda: b"PK\3\4" + bytes(2000),
    "nothing": lambda: b"",
    "no file": lambda: bytes(1024),
    "cut short": lambda: tar({"a": bytes(5000)})[:2048],
    "no end": lambda: tar({"a": b"1"})[:1024],
    "rubbish": lambda: b"x" * 4096,
    "too many": lambda: tar({f"f{n}": b"" for n in range(1001)}),
    "ten thousand": lambda: tar({f"f{n}": b"" for n in range(10_000)})[:900_000] + bytes(1024),
    "too deep": lambda: tar({"/".join("d" * 18): b""}),
    "a long path": lambda: tar({"/".join(["n" * 100] * 6): b""}),
    "a long name": lambda: tar({"n" * 256: b""}),
    "a name without end": long_name,
    "names of names": chained,
    "too large": lambda: tar({"a": bytes(1_200_000)}),
    "much too large": lambda: tar({"a": bytes(6_000_000)}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_upload_is_refused_in_a_sentence_and_leaves_nothing(what: str, exchange: Exchange) -> None:
    before = sorted(exchange.folder.glob("objects/*/*"))
    answer = exchange.send("bob", "POST", f"{NAME}/submissions", HOSTILE[what]())
    assert answer.status_code in (400, 413), answer.text
    assert answer.json()["code"] in ("bad-file", "too-large")
    assert answer.json()["remedy"]
    assert sorted(exchange.folder.glob("objects/*/*")) == before
    wait_for("the upload to be gone", lambda: not list(exchange.folder.glob("staging/*")))
    assert exchange.get("bob", f"{NAME}/submissions") == []


def test_a_notebook_is_taken_as_it_is(exchange: Exchange) -> None:
    """Whether it makes sense is for grading to say; odd and honest names are kept."""
    files = {"p1.ipynb": b"no JSON", "ü/é.txt": b"1", "empty": b"", "a b+c.txt": b"\0"}
    receipt = exchange.submitted("tom", "dl", "ps1", files)
    assert untar(exchange.ask("tom", "GET", f"/submissions/{receipt['id']}/files").content) == files
    dotted = exchange.send("tom", "POST", f"{NAME}/submissions", tar({"./p1.ipynb": b"x"}))
    assert [file["path"] for file in dotted.json()["files"]] == ["p1.ipynb"]


def test_gnu_tar_is_understood(exchange: Exchange) -> None:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in ("n" * 150, "d/" + "m" * 150):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    answer = exchange.send("tom", "POST", f"{NAME}/submissions", body.getvalue())
    assert answer.status_code == 201, answer.text


BAD_BODIES = [
    ("PUT", COURSE, {"title": ""}),
    ("PUT", COURSE, {"title": "x", "odd": 1}),
    ("PUT", COURSE, {"title": "x", "card": {"a": "x" * 20_000}}),
    ("PUT", NAME, {"title": "x", "due": "tomorrow"}),
    ("PUT", NAME, {"title": "x", "due": "2026-01-01T00:00:00"}),
    ("PUT", NAME, {"title": "x", "attempts": 0}),
    ("PUT", NAME, {"title": "x", "late_policy": {"accept_days": -1}}),
    ("PUT", NAME, {"title": "x", "opens": "2026-02-01T00:00:00Z", "due": "2026-01-01T00:00:00Z"}),
    ("PUT", f"{COURSE}/roster", [{"id": "a b"}]),
    ("PUT", f"{COURSE}/roster", [{"id": "a"}, {"id": "a"}]),
    ("PUT", f"{NAME}/extensions/ada", {"attempts": "many"}),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD_BODIES)
def test_a_body_that_is_wrong_is_refused_by_name(method: str, path: str, body: Any, exchange: Exchange) -> None:
    before = exchange.get("ivo", COURSE), exchange.get("ivo", NAME), exchange.get("ivo", f"{COURSE}/roster")
    answer = exchange.ask("ivo", method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request"), answer.text
    assert before == (exchange.get("ivo", COURSE), exchange.get("ivo", NAME), exchange.get("ivo", f"{COURSE}/roster"))


ODD_PEOPLE = b'[{"id": "ok"}, {"id": "a b"}' + b", 0" * 600_000 + b"]"
ODD_KEYS = b'{"title": "x"' + b"".join(b', "k%d": 0' % n for n in range(150_000)) + b"}"


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (ODD_PEOPLE, "json", "1.id: String should match"),
        (b"[" + b",".join(b'{"id": "p%d"}' % n for n in range(5001)) + b"]", "json", "at most 5000"),
        (b"id,email\nok,\n" + b"odd\n" * 400_000, "csv", "line 3 of the table has too many or too few fields"),
        (b"id\n" + b"".join(b"p%d\n" % n for n in range(5001)), "csv", "a roster has at most 5000 people"),
    ],
    ids=["odd people", "many people", "odd lines", "many lines"],
)
def test_a_large_odd_roster_is_read_to_its_first_mistake(body: bytes, kind: str, says: str, exchange: Exchange) -> None:
    headers = {"Content-Type": {"json": "application/json", "csv": "text/csv"}[kind]}
    answer = exchange.ask("ivo", "PUT", f"{COURSE}/roster", data=body, headers=headers)
    assert answer.status_code == 400
    assert says in answer.json()["message"]
    # Nobody else has it read: it would be refused for what it says.
    statuses = {
        who: exchange.ask(who, "PUT", f"{COURSE}/roster", data=body, headers=headers).status_code
        for who in ("ada", "mallory", "eve")
    }
    assert statuses == {"ada": 403, "mallory": 404, "eve": 404}


def test_many_mistakes_are_counted(exchange: Exchange) -> None:
    answer = exchange.ask("ivo", "PUT", COURSE, data=ODD_KEYS)
    assert answer.status_code == 400
    assert "it has 150000 mistakes" in answer.json()["message"]


@pytest.mark.parametrize(("score", "most"), [("NaN", "1"), ("-1", "1"), ("2", "1"), ("Infinity", "1"), ("1", "NaN")])
def test_a_grade_is_a_number_within_its_bounds(score: str, most: str, exchange: Exchange, submission: str) -> None:
    body = f'{{"score": {score}, "max_score": {most}}}'
    assert exchange.ask("ivo", "PUT", f"{submission}/grade", data=body).status_code == 400


def test_a_table_for_a_spreadsheet_holds_no_formula(exchange: Exchange) -> None:
    exchange.put("ivo", f"{COURSE}/roster/mal", {"last_name": '=HYPERLINK("http://x")'})
    assert "'=HYPERLINK" in exchange.ask("ivo", "GET", f"{COURSE}/gradebook.csv").text
    assert exchange.ask("ivo", "DELETE", f"{COURSE}/roster/mal").ok


def test_a_key_is_needed_and_belongs_to_its_upload(exchange: Exchange) -> None:
    for bad in ("", "short", "with space 12", "x" * 65):
        assert exchange.submit("tom", "dl", "ps1", {"a": b"1"}, key=bad).status_code == 400
    one = key()
    first = exchange.submit("tom", "dl", "ps1", {"a": b"1"}, key=one)
    again = exchange.submit("tom", "dl", "ps1", {"a": b"1"}, key=one)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert exchange.submit("tom", "dl", "ps1", {"a": b"2"}, key=one).json()["code"] == "key-used"
