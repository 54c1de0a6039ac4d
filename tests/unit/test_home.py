"""Home and the course's page: the real service before a real exchange."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tornado.web import create_signed_value

from extensions.home.catalogues import extracted
from extensions.home.language import LOCALES, choose, languages, read_catalogue
from extensions.home.words import ENDINGS
from spawners.life import failure
from spawners.life.failure import explain, stopped
from spawners.slurm import JobState
from tests.support.exchange import Exchange, running, tar
from tests.support.home import NO_SESSION, Home, at_home, text
from tests.support.person import wait_for

NOW = datetime.datetime.now(datetime.UTC)
RUNNING = NO_SESSION | {
    "state": "running",
    "size": "cpu",
    "title": "No GPU",
    "start": 0,
    "end": 3700,  # seconds from when it is asked for
}


def at(**shift: float) -> str:
    """A time so far from now, as the API writes it."""
    return (NOW + datetime.timedelta(**shift)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("home") / "exchange") as found:
        card = {
            "summary": "Logistic <regression>",
            "level": "beginner",
            "hours": 1.5,
            "learn": ["fit & judge a model"],
            "licence": "CC-BY-4.0",
            "language": "en",
            "order": ["ps2", "ps1"],
        }
        found.put("grader-dl", "/courses/dl", {"title": "Deep <b>learning</b>", "card": card})
        found.put("grader-dl", "/courses/dl/roster/ada", {})
        found.release("dl", "ps1", due=at(days=2), points=10, session_size="gpu1", attempts=2)
        found.release("dl", "ps2", due=at(days=-1), late_policy={"accept_days": 3, "penalty_per_day": 0.1})
        found.put("grader-dl", "/courses/dl/assignments/ps3", {"title": "Third", "opens": at(days=5)})
        yield found


@pytest.fixture(scope="module")
def process(exchange: Exchange) -> Iterator[Home]:
    with at_home(exchange) as found:
        yield found


@pytest.fixture
def home(process: Home) -> Home:
    process.reset()
    return process


def links(page: str) -> dict[str, str]:
    """Where each link of a page leads, by what is read on it (its label, where it has one)."""
    found = {}
    for attributes, inner in re.findall(r"<a\b([^>]*)>(.*?)</a>", page, re.DOTALL):
        label = re.search(r'aria-label="([^"]*)"', attributes)
        address = re.search(r'href="([^"]*)"', attributes)
        assert address
        found[label.group(1) if label else text(inner)] = address.group(1).replace("&amp;", "&")
    return found


# ---------------------------------------------------------------- Home


def test_home_says_what_is_next_and_escapes_all_of_it(home: Home) -> None:
    page = home.get("ada")
    assert "Deep &lt;b&gt;learning&lt;/b&gt;" in page
    assert "Logistic &lt;regression&gt;" in page
    assert "<b>" not in page
    said = text(page)
    assert "Next: ps1 , due" in said
    assert "0 of 3 handed in" in said
    assert "No session is running" in said
    assert links(page)["Choose a session"] == "/hub/spawn"


def test_whoever_is_in_no_course_is_told_what_to_do(home: Home) -> None:
    assert "You are in no course yet." in text(home.get("bob"))


def test_an_instructor_reads_how_much_there_is_to_grade(home: Home, exchange: Exchange) -> None:
    exchange.hub.groups["prof"] = ["instructor-dl"]
    exchange.submitted("ada", "dl", "ps2")
    page = home.get("prof")
    assert "1 submission without a grade" in text(page)
    assert "You teach it" in text(page)


@pytest.mark.parametrize(
    ("session", "says", "link"),
    [
        (RUNNING, "Running Size No GPU Time left 1 h 1 min Ends", ("Open", "/hub/spawn/ada")),
        (
            NO_SESSION
            | {
                "state": "waiting",
                "title": "One GPU",
                "waiting": {"sentence": "All are busy.", "place": 3, "starts_in": 600, "expected": ""},
            },
            "Waiting in the queue Size One GPU Place in the queue 3 Expected start in about 10 min All are busy.",
            ("Watch it start", "/hub/spawn-pending/ada"),
        ),
        (
            NO_SESSION | {"ended": {"cause": "idle", "sentence": "It was <idle>.", "resumable": "One GPU"}},
            "No session is running It was <idle>.",
            ("Resume it (One GPU)", "/hub/spawn/ada?opt-resume=1"),
        ),
    ],
    ids=["running", "waiting", "ended"],
)
def test_what_the_session_does(home: Home, session: dict, says: str, link: tuple[str, str]) -> None:
    home.sessions["ada"] = [session]
    for path in ("", "session"):
        page = home.get("ada", path)
        assert says in text(page)
        assert links(page)[link[0]] == link[1]


def test_how_a_session_ended_is_said_in_the_readers_language(home: Home) -> None:
    home.sessions["ada"] = [NO_SESSION | {"ended": {"cause": "idle", "sentence": "It was idle.", "resumable": None}}]
    page = text(home.get("ada", **{"Accept-Language": "fr"}))
    assert "Aucune session" in page
    assert "est terminée parce qu" in page


def test_every_end_of_a_session_has_words() -> None:
    ends = explain(JobState.RUNNING, None, "1", ""), explain(JobState.FAILED, 1, "1", ""), stopped("1", None)
    causes = {*failure._FROM_STATE, *(cause for _, cause, _ in failure._FROM_LOG), *(end.cause for end in ends), "idle"}
    assert causes <= set(ENDINGS)


def test_sessions_with_names_are_there_too(home: Home) -> None:
    home.sessions["ada"] = [NO_SESSION, RUNNING | {"name": "second"}]
    page = home.get("ada")
    assert "second: Running" in text(page)
    assert links(page)["Open"] == "/hub/spawn/ada/second"


@pytest.mark.parametrize(("name", "path"), [("", "server"), ("second", "servers/second")])
def test_a_session_is_stopped_with_the_persons_own_token(home: Home, name: str, path: str) -> None:
    assert "is being stopped" in home.post("ada", "session/stop", name=name)
    assert ("DELETE", f"/hub/api/users/ada/{path}", "ada") in home.asked


def test_without_the_exchange_the_rest_of_home_stands(home: Home, exchange: Exchange) -> None:
    exchange.kill()
    try:
        home.sessions["ada"] = [RUNNING]
        said = text(home.get("ada"))
        assert "The exchange, which keeps courses, does not answer now." in said
        assert "Running Size No GPU" in said
        answer = home.ask("ada", "GET", "courses/dl")
        assert answer.status_code == 503
        assert "does not answer now" in text(answer.text)
    finally:
        exchange.start()


def test_a_hub_that_knows_the_person_and_no_more_leaves_the_courses(home: Home, exchange: Exchange) -> None:
    exchange.hub.more = lambda method, path, name: (503, {})
    said = text(home.get("ada"))
    assert "The hub does not answer now." in said
    assert "0 of 3 handed in" in said or "1 of 3 handed in" in said


def test_a_silent_hub_is_a_sentence(home: Home, exchange: Exchange) -> None:
    exchange.hub.silent = True
    try:
        answer = home.ask("somebody-new", "GET")
        assert answer.status_code == 503
        assert "The hub does not answer now" in text(answer.text)
    finally:
        exchange.hub.silent = False


# ---------------------------------------------------------------- a course


def test_a_course_and_its_assignments(home: Home) -> None:
    page = home.get("ada", "courses/dl")
    said = text(page)
    for part in (
        "Level Beginner Time it takes 1.5 hours Licence CC-BY-4.0",
        "What you can do afterwards fit & judge a model",
        "Points 10 Attempts 0 of 2 used",
        "It is past the due date: what you hand in now is late.",
        "Each day takes 10% off.",
        "It is announced, and not out yet.",
    ):
        assert part in said
    order = [re.search(rf'id="assignment-{name}"', page).start() for name in ("ps2", "ps1", "ps3")]  # type: ignore[union-attr]
    assert order == sorted(order), "not in the course's order"


def test_its_links_open_the_session_and_start_one_of_the_right_size_first(home: Home) -> None:
    found = links(home.get("ada", "courses/dl"))
    link = urlsplit(found["Open ps1"])
    assert link.path == "/hub/spawn/ada"
    query = parse_qs(link.query)
    assert query["opt-size"] == ["gpu1"]
    assert query["next"] == ["/user/ada/campus/open?course=dl&assignment=ps1"]
    assert parse_qs(urlsplit(found["Submit ps1"]).query)["next"] == ["/user/ada/campus/submit?course=dl&assignment=ps1"]
    assert parse_qs(urlsplit(found["Open ps2"]).query)["opt-size"] == ["cpu"], "not the site's first size"
    assert "Open Third" not in found
    assert "Feedback on ps1" not in found


def test_an_extension_is_said(home: Home, exchange: Exchange) -> None:
    exchange.put("grader-dl", "/courses/dl/assignments/ps1/extensions/ada", {"due": at(days=9), "attempts": 5})
    said = text(home.get("ada", "courses/dl"))
    assert "You have a date of your own" in said
    assert "0 of 5 used" in said


def test_a_grade_and_feedback_appear(home: Home, exchange: Exchange) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1")
    grade = {"score": 7.5, "max_score": 10, "released": True}
    exchange.put("grader-dl", f"/submissions/{receipt['id']}/grade", grade)
    assert "Score 7.5 / 10" in text(home.get("ada", "courses/dl"))
    exchange.send("grader-dl", "PUT", f"/submissions/{receipt['id']}/feedback", tar({"p1.html": b"well done"}))
    found = links(home.get("ada", "courses/dl"))
    following = parse_qs(urlsplit(found["Feedback on ps1"]).query)["next"]
    assert following == ["/user/ada/campus/open?course=dl&assignment=ps1&what=feedback"]


@pytest.mark.parametrize("path", ["courses/dl", "courses/nothing"])
def test_what_is_not_yours_does_not_exist(home: Home, path: str) -> None:
    answer = home.ask("bob", "GET", path)
    assert answer.status_code == 404
    assert "or it is not open to you" in text(answer.text)


# ---------------------------------------------------------------- language, headers, sign-in


def test_the_page_speaks_the_browsers_language(home: Home) -> None:
    page = home.get("ada", **{"Accept-Language": "de;q=0.2, fr-LU, en;q=0.8"})
    assert '<html lang="fr">' in page
    assert "Ma session" in page
    assert '<html lang="en">' in home.get("ada", **{"Accept-Language": "xx"})


def test_the_switch_is_remembered_and_leads_nowhere_else(home: Home) -> None:
    answer = home.ask("ada", "POST", "language", data={"language": "fr", "back": "/services/home/courses/dl"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/services/home/courses/dl")
    page = home.ask(
        "ada",
        "GET",
        headers={"Accept-Language": "en", "Cookie": f"campus-language={answer.cookies['campus-language']}"},
    )
    assert '<html lang="fr">' in page.text
    answer = home.ask("ada", "POST", "language", data={"language": "xx", "back": "https://elsewhere.example"})
    assert answer.headers["Location"] == "/services/home/"
    assert "campus-language" not in answer.cookies


def test_no_page_can_be_framed_or_run_a_strange_script(home: Home) -> None:
    for who, path in (("ada", ""), ("ada", "courses/dl"), ("ada", "nowhere"), ("bob", "courses/dl")):
        answer = home.ask(who, "GET", path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=", answer.text)
    # The course that is not bob's was refused sooner than the hub, asked beside it, could say what his session does.
    wait_for("what the hub is asked", lambda: home.asked[-1][2] == "bob", seconds=10)


def test_whoever_is_not_signed_in_is_led_to_the_hub(home: Home) -> None:
    answer = home.ask("", "GET", "courses/dl")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?client_id=service-home")
    assert home.ask("", "GET", "session").status_code == 403
    assert home.ask("", "POST", "session/stop").status_code == 403
    assert home.asked == []


def browser(home: Home, who: str) -> requests.Session:
    """A browser in which somebody is signed in: with a cookie as Home gives it."""
    web = requests.Session()
    key = (home.folder / "cookie.key").read_bytes()
    web.cookies.set("service-home", create_signed_value(key, "service-home", who).decode(), path="/services/home/")
    return web


def test_a_form_counts_only_where_the_page_gave_its_token(home: Home) -> None:
    def token(web: requests.Session) -> str:
        found = re.search(r'name="_xsrf" value="([^"]+)"', web.get(home.url).text)
        assert found
        return found[1]

    stop = f"{home.url}session/stop"
    with browser(home, "ada") as ada, browser(home, "bob") as bob:
        assert ada.post(stop, data={"name": ""}).status_code == 403
        token(ada)
        assert ada.post(stop, data={"name": "", "_xsrf": token(bob)}).status_code == 403
        assert not [one for one in home.asked if one[0] == "DELETE"]
        assert "is being stopped" in ada.post(stop, data={"name": "", "_xsrf": token(ada)}).text
    assert ("DELETE", "/hub/api/users/ada/server", "ada") in home.asked


def test_services_and_tokens_without_the_scope_have_no_pages(home: Home) -> None:
    assert home.ask("publisher", "GET").status_code == 403
    assert home.ask("nosy", "GET").status_code == 403


def test_every_asset_that_a_page_names_is_there(home: Home) -> None:
    page = home.get("ada")
    named = re.findall(r'(?:src|href)="/services/home/(static/[^"]*)"', page)
    assert len(named) >= 5
    for path in named:
        answer = home.ask("", "GET", path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"] or "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", sorted(LOCALES.glob("*/LC_MESSAGES/home.po")), ids=lambda path: path.parts[-3])
def test_every_catalogue_has_the_texts_of_now(path: Path) -> None:
    """Else run python -m extensions.home.catalogues."""
    kept = {message.id for message in read_catalogue(path) if message.id}
    assert kept == {message.id for message in extracted() if message.id}


def test_english_and_french_are_complete_and_german_waits() -> None:
    assert list(languages()) == ["en", "fr"]


def test_translations_have_the_same_places_to_fill() -> None:
    french = read_catalogue(LOCALES / "fr" / "LC_MESSAGES" / "home.po")
    for message in (one for one in french if one.id):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        for one, other in zip(ids, said, strict=True):
            assert sorted(re.findall(r"%\(\w+\)s|<[^>]*>", one)) == sorted(re.findall(r"%\(\w+\)s|<[^>]*>", other)), one


@pytest.mark.parametrize(
    ("kept", "accepts", "found"),
    [
        ("fr", "en", "fr"),
        ("xx", "fr;q=0.1, en;q=0.2", "en"),
        ("", "fr-CH", "fr"),
        ("", "FR;q=1.0,en;q=nonsense", "fr"),
        ("", "fr;q=0", "en"),
        ("", "*", "en"),
        ("", "", "en"),
    ],
)
def test_which_language_somebody_reads(kept: str, accepts: str, found: str) -> None:
    assert choose(kept, accepts, ["en", "fr"]) == found


# ---------------------------------------------------------------- announcements


def test_announcements_are_read_anew_and_a_mistake_shows_none(home: Home) -> None:
    home.announcements.write_text(
        f'[[announcements]]\ntext = "Down on <Monday>"\nkind = "warning"\nlink = "https://example.org/"\n'
        f'[[announcements]]\ntext = "Over"\nends = {at(days=-1)}\n'
        f'[[announcements]]\ntext = "Not yet"\nbegins = {at(days=1)}\n'
    )
    page = home.get("ada")
    assert "Down on &lt;Monday&gt;" in page
    assert "Over" not in page
    assert "Not yet" not in page
    os.utime(home.announcements, ns=(1, 1))  # it is read anew even where the clock is coarse
    home.announcements.write_text('[[announcements]]\ntext = "New"\nlink = "javascript:alert(1)"\n')
    page = home.get("ada")
    assert "New" not in page
    assert "announcements[1].link" in (home.folder.parent / "home.log").read_text()
    Path(home.announcements).unlink()
    assert "Down on" not in home.get("ada")


# ---------------------------------------------------------------- recent work, GPU-hours


def test_recent_work_is_opened_in_a_session_as_it_was_saved_in(home: Home) -> None:
    home.recent["ada"] = [
        {"path": "kits/aml/Où & <quand>?.ipynb", "at": 1_700_000_000, "size": "gpu1"},
        {"path": "first.ipynb", "at": 1_600_000_000, "size": "gone"},
    ]
    page = home.get("ada")
    assert "Où &amp; &lt;quand&gt;?.ipynb" in page
    assert "in kits/aml Nov 14, 2023, 22:13 UTC" in text(page)
    link = parse_qs(urlsplit(links(page)["Où & <quand>?.ipynb"]).query)
    assert link["opt-size"] == ["gpu1"]
    assert link["next"] == ["/user/ada/lab/tree/kits/aml/O%C3%B9%20%26%20%3Cquand%3E%3F.ipynb"]
    assert parse_qs(urlsplit(links(page)["first.ipynb"]).query)["opt-size"] == ["cpu"]
    assert "Recent work" not in text(home.get("bob"))


def test_the_list_is_forgotten_with_the_persons_own_token(home: Home) -> None:
    assert "still in your home folder" in home.post("ada", "recent/forget")
    assert ("DELETE", "/hub/api/users/ada/campus/recent", "ada") in home.asked


def test_gpu_hours_are_shown_to_whoever_had_some(home: Home) -> None:
    assert "GPU-hours" not in text(home.get("ada"))
    home.gpu_hours = {"month": 3.2, "total": 10.456}
    assert "GPU-hours this month: 3.2; in all: 10.46" in text(home.get("ada"))
    assert "Heures de GPU ce mois-ci : 3,2 ; en tout : 10,46" in text(home.get("ada", **{"Accept-Language": "fr"}))
