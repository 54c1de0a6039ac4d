"""Courses on the real hub and Slurm: published, their graders' sessions, and classes that are booked."""

from __future__ import annotations

import datetime
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from hub_config.courses.services import exchange
from tests.support.campus import CHECKOUT, Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster
DEMO = CHECKOUT / "courses" / "first-steps"


def course_of(campus: Campus, instructor: str) -> str:
    """The course that somebody teaches, by the site file."""
    name = campus.name(instructor)
    return next(account.course for account in campus.site.accounts if account.name == name) or ""


@pytest.fixture(scope="module")
def one(campus: Campus) -> Iterator[str]:
    """The demo course under a name of this Campus's own, published; instructor1 teaches it."""
    course = course_of(campus, "instructor1")
    folder = campus.paths.prefix / "courses" / course
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(DEMO, folder)
    said = campus.command("course", "publish").stdout
    assert f"it is graded as grader-{course}" in said
    yield course
    shutil.rmtree(folder.parent)


def grader_home(course: str) -> Path:
    return Path(pwd.getpwnam(f"grader-{course}").pw_dir)


def test_a_published_course_is_there_for_everybody_it_is_for(one: str, campus: Campus) -> None:
    trainee, path = campus.person("trainee1"), f"/services/exchange/api/v1/courses/{one}"
    course = trainee.request("GET", path).json()
    assert (course["title"], course["role"]) == ("First steps with tensors and data", "trainee")
    assert course["card"]["order"] == ["tensors", "emissions"]
    tensors = trainee.request("GET", f"{path}/assignments/tensors").json()
    assert (tensors["points"], tensors["grade_on_submit"], tensors["weight"]) == (8, True, 1)
    assert [file["path"] for file in tensors["files"]] == ["fit.ipynb"]
    released = trainee.request("GET", f"{path}/assignments/tensors/files").content
    assert b"HIDDEN TESTS" not in released
    assert b"BEGIN SOLUTION" not in released
    assert b"a constant column must become zeros" not in released
    grader, made = pwd.getpwnam(f"grader-{one}"), grader_home(one) / "course"
    assert made.stat().st_mode & 0o077 == 0
    assert {file.stat().st_uid for file in (made, *made.rglob("*"))} == {grader.pw_uid}


def test_publishing_again_changes_what_changed(one: str, campus: Campus) -> None:
    folder = campus.paths.prefix / "courses" / one
    said = campus.command("course", "publish", one).stdout
    assert said.count("as it was") == 3
    client = exchange(campus.site, campus.paths)
    before = client.get(f"/courses/{one}/assignments/emissions", dict)["released"]
    data = folder / "source" / "emissions" / "data" / "README.md"
    data.write_text(data.read_text() + "\nA line more.\n")
    manifest = folder / "course.toml"
    manifest.write_text(manifest.read_text().replace('title = "Fit a line"', 'title = "Fit a line!"'))
    said = campus.command("course", "publish", one).stdout
    assert "tensors: rules set." in said
    assert "emissions: released anew, because its files changed." in said
    assert client.get(f"/courses/{one}/assignments/emissions", dict)["released"] > before
    assert client.get(f"/courses/{one}/assignments/tensors", dict)["title"] == "Fit a line!"
    entries = client.get(f"/courses/{one}/audit", dict)["entries"]
    assert [entry["what"] for entry in entries].count("course-changed") == 1


def test_a_publication_that_was_killed_goes_on_at_the_next(one: str, campus: Campus) -> None:
    made = grader_home(one) / "course"
    for moment in (made / "source" / "tensors", made / "release" / "tensors"):
        shutil.rmtree(made / "release" / "tensors")
        shutil.rmtree(made / "source" / "tensors", ignore_errors=True)
        publishing = subprocess.Popen(
            [str(CHECKOUT / "campus"), "course", "publish", one],
            env={**os.environ, "CAMPUS_PREFIX": str(campus.paths.prefix)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(f"{moment.name} to be made", moment.exists)
        os.killpg(publishing.pid, signal.SIGKILL)
        publishing.wait()
        assert "as it was" in campus.command("course", "publish", one).stdout
        assert (made / "release" / "tensors" / "fit.ipynb").exists()
        assert not [path for path in campus.paths.publishing.glob("*") if path.is_dir()], "what was left is gone"


def test_a_course_that_is_wrong_is_not_published(one: str, campus: Campus) -> None:
    broken = campus.paths.prefix / "courses" / "ct-broken"
    shutil.copytree(DEMO, broken)
    (broken / "source" / "tensors" / "shadow").symlink_to("/etc/shadow")
    done = campus.command("course", "publish", "ct-broken", check=False)
    shutil.rmtree(broken)
    assert done.returncode == 1
    assert "shadow is a link. Put the file itself there." in done.stderr
    with pytest.raises(KeyError):
        pwd.getpwnam("grader-ct-broken")


def test_a_course_from_a_repository(one: str, campus: Campus, tmp_path: Path) -> None:
    course = course_of(campus, "instructor2")
    work, bare = tmp_path / "work", campus.paths.prefix / "repository.git"
    shutil.copytree(DEMO, work)

    def git(*words: str) -> None:
        named = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", str(work), *named, *words], check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "--message=first")
    shutil.rmtree(bare, ignore_errors=True)
    subprocess.run(["git", "clone", "--bare", str(work), str(bare)], check=True, capture_output=True)
    before = campus.paths.site_file.read_text()
    table = f'[[content.course_repositories]]\nname = "{course}"\nurl = "file://{bare}"\nref = "main"\n'
    campus.paths.site_file.write_text(before + table)
    try:
        published = campus.command("course", "publish", course, check=False)
        assert f"it is graded as grader-{course}" in published.stdout, published.stderr
        (work / "source" / "tensors" / "secrets").symlink_to("/etc/shadow")
        git("add", ".")
        git("commit", "--message=link")
        git("push", str(bare), "main")
        refused = campus.command("course", "publish", course, check=False)
        assert refused.returncode == 1
        assert "is a symbolic link" in refused.stderr
    finally:
        campus.paths.site_file.write_text(before)
        shutil.rmtree(bare)


def test_a_roster_from_a_table(one: str, campus: Campus, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text(f"id,first_name,last_name,email\n{campus.name('trainee1')},Ada,Lovelace,ada@example.org\n")
    assert f"1 people are on the roster of {one}." in campus.command("course", "roster", one, str(table)).stdout
    table.write_text("name\nada\n")
    refused = campus.command("course", "roster", one, str(table), check=False)
    assert refused.returncode == 1
    assert "the table's columns must be" in refused.stderr
    assert "There is no course nowhere" in campus.command("course", "roster", "nowhere", str(table), check=False).stderr


def test_the_tests_of_the_demo_course_do_what_they_should(one: str, campus: Campus) -> None:
    """The solution gets all points, what trainees get none, and 21 wrong answers are caught."""
    done = campus.command("course", "check", "--run", str(DEMO), check=False)
    said = done.stdout
    assert done.returncode == 0, done.stderr
    assert "tensors: full marks for the solution, none for what trainees get, and 11 wrong answers caught" in said
    assert "emissions: full marks for the solution, none for what trainees get, and 10 wrong answers caught" in said


# ------------------------------------------------------------------------------------------------ the grader's session


def servers(person: Person, account: str) -> dict[str, Any]:
    answer = person.api("GET", f"/users/{account}")
    return answer.json().get("servers", {}) if answer.status_code == 200 else {}


def test_the_instructors_of_a_course_use_its_session_and_nobody_else(one: str, calm: Campus) -> None:
    account = f"grader-{one}"
    teacher = calm.person("instructor1")
    others = [calm.person(name) for name in ("trainee1", "instructor2", "startup1", "operator1")]
    for person in others[:3]:
        assert person.api("POST", f"/users/{account}/server").status_code in (403, 404)
        assert person.web.get(f"{person.url}/hub/spawn/{account}").status_code in (403, 404)
    assert teacher.web.get(f"{teacher.url}/hub/spawn/{account}").status_code == 200
    assert teacher.api("POST", f"/users/{account}/server", json={"user_options": {"size": "cpu"}}).status_code in (
        201,
        202,
    )
    wait_for("the grader's session", lambda: servers(teacher, account).get("", {}).get("ready"))
    try:
        job = calm.slurm("squeue", "--noheader", f"--user={account}", "--format=%j").stdout.split()
        assert job == [calm.job_name]
        told = teacher.request("GET", f"/user/{account}/formgrader/api/assignments")
        assert told.status_code == 200, told.text[:300]
        assert {assignment["name"] for assignment in told.json()} == {"tensors", "emissions"}
        assert "nbgrader formgrade" in teacher.web.get(f"{teacher.url}/user/{account}/formgrader").text
        for path in (
            "lab",
            "formgrader",
            "formgrader/api/assignments",
            "api/contents",
            "api/kernels",
            "campus/grading",
        ):
            for person in others:
                assert person.request("GET", f"/user/{account}/{path}").status_code in (403, 404), (person.name, path)
                assert person.web.get(f"{person.url}/user/{account}/{path}").status_code in (403, 404)
    finally:
        assert teacher.api("DELETE", f"/users/{account}/server").status_code in (202, 204)
        wait_for("the session to stop", lambda: not servers(teacher, account))


def test_nobody_signs_in_as_a_grader(one: str, campus: Campus) -> None:
    for name in ("trainee1", "operator1"):
        with pytest.raises(requests.HTTPError, match="403"):
            Person(campus.url, f"grader-{one}", campus.passwords[campus.name(name)])


# ------------------------------------------------------------------------------------------------ live classes


@pytest.mark.through_sudo
def test_an_instructor_books_a_class(one: str, calm: Campus) -> None:
    teacher, trainee = calm.person("instructor1"), calm.person("trainee1")
    trainee.request("GET", f"/services/exchange/api/v1/courses/{one}")  # an open course knows whom it has seen
    at = f"/campus/classes/{one}"
    for person in (trainee, calm.person("instructor2"), calm.person("operator1")):
        assert person.api("GET", at).status_code == 404
        assert person.api("POST", at, json={}).status_code == 404
    start = datetime.datetime.now(datetime.UTC).isoformat()
    asked = {"start": start, "minutes": 60, "people": 5, "size": "gpu1"}
    refused = teacher.api("POST", at, json=asked | {"people": 12})
    assert (refused.status_code, refused.json()["code"]) == (409, "class-not-possible")
    assert teacher.api("POST", at, json=asked | {"more": 1}).status_code == 400
    booked = teacher.api("POST", at, json=asked)
    assert booked.status_code == 201, booked.text
    name = booked.json()["name"]
    try:
        assert booked.json()["gpus"] == 8
        assert [found["name"] for found in teacher.api("GET", at).json()["classes"]] == [name]
        fields = trainee.api("GET", f"/users/{trainee.name}/campus/sizes").json()["fields"]
        offered = {field["name"]: [option["value"] for option in field["options"]] for field in fields}
        assert name in offered["reservation"]
        assert trainee.start(size="gpu1", reservation=name).kernel().run("print(1)") == "1\n"
        assert trainee.api("DELETE", f"{at}/{name}").status_code == 404
    finally:
        trainee.stop()
        assert teacher.api("DELETE", f"{at}/{name}").status_code == 204
    assert teacher.api("GET", at).json()["classes"] == []
    assert name not in calm.slurm("scontrol", "show", "reservation").stdout
