"""A site's template: each mistake is named with its line, before anything of the installation changes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from campus_base.errors import CampusError
from hub_config import cli
from hub_config import up as up_module
from hub_config.daemons import daemons
from hub_config.job_template import JobTemplateError, read_job_template, take_job_template
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.render_job import render_job
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE
from hub_config.up import Up
from spawners.allowed.request import SessionSize
from spawners.job.script import variables
from spawners.job.template import blocks, template_mistakes
from tests.support.ada import ADA, ada_has_an_account
from tests.support.tokens import write_tokens
from tests.unit.test_job_script import EXTENDS, SIZE, block

CHECKOUT = Path(__file__).resolve().parents[2]
GOOD = EXTENDS + block("prologue", "\nexport CAMPUS_TEST=1\n")
SIZES = (SIZE, replace(SIZE, name="cpu", gpus=0))
Captured = pytest.CaptureFixture[str]


def mistakes(text: str) -> list[str]:
    return template_mistakes(text, ["/opt/env/bin/python"], ".campus/logs", SIZES)


@pytest.mark.parametrize(
    "text",
    [
        EXTENDS,
        GOOD,
        "{# a note #}\n" + EXTENDS,
        EXTENDS
        + "{% set image = '/images/campus.sif' %}"
        + block("command", "apptainer exec {{ image }} {{ super() }}"),
        EXTENDS
        + "{% macro load(name) %}module load {{ name }}{% endmacro %}"
        + block("prologue", "{{ load('cuda') }}"),
        EXTENDS + block("directives", "\n#SBATCH --constraint=a100\n# a note\n\n#SBATCH --licenses=x:1\n"),
        EXTENDS + block("epilogue", "rm -rf /scratch/$USER/$SLURM_JOB_ID"),
        EXTENDS + block("command", "{% if size.gpus %}nvidia-run {% endif %}{{ super() }}"),
        EXTENDS + block("command", "/opt/other/bin/python -I -m spawners.session"),
        EXTENDS + block("command", "# a note\nenv A=1 nice \\\n  {{ super() }} --note='a; b' 2>&1\n"),
    ],
)
def test_a_good_template(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ['line 1: it must extend Campus\'s own; begin it with {% extends "job_script.sh.j2" %}']),
        ("#!/bin/sh\nmodule load x\n", ["line 1: it must extend Campus's own", "line 1: this stands outside"]),
        ('\n{% extends "job.sh" %}', ["line 2: it must extend Campus's own"]),
        (
            EXTENDS + "\n" + block("prologe", ""),
            ["line 3: there is no block prologe; use one of directives, prologue,"],
        ),
        (EXTENDS + "\n\nmodule load x\n", ["line 4: this stands outside of the blocks"]),
        (EXTENDS + "{{ size.name }}", ["line 2: this stands outside of the blocks"]),
        (EXTENDS + "{% if size.gpus %}" + block("prologue", "") + "{% endif %}", ["line 2: this stands outside"]),
        (EXTENDS + "{% block prologue %}", ["line 2: Unexpected end of template."]),
        (EXTENDS + "\n" + block("prologue", "{% if %}"), ["line 3: Expected an expression"]),
        (EXTENDS + block("prologue", "\n{{ sizes }}"), ["line 3: 'sizes' is undefined"]),
        (
            EXTENDS + block("prologue", "\n{{ size.gpsus }}"),
            ["line 3: 'spawners.allowed.offer.SessionSize object' has no attr"],
        ),
        (EXTENDS + block("prologue", "\n\n{{ 4 // size.gpus }}"), ["line 4: integer division or modulo by zero"]),
        (EXTENDS + block("prologue", "{{ size.name | loud }}"), ["line 2: No filter named 'loud'."]),
        (EXTENDS + block("prologue", "{{ size.__class__ }}"), ["line 2: access to attribute '__class__'"]),
        (EXTENDS + block("prologue", "{% set size.gpus = 9 %}"), ["line 2: cannot assign attribute on"]),
        (EXTENDS + block("prologue", "{% for n in range(10**9) %}{% endfor %}"), ["line 2: Range too big."]),
        (EXTENDS + block("prologue", '\n{% include "/etc/shadow" %}'), ['line 3: "/etc/shadow" is not there']),
        (EXTENDS + block("prologue", "\necho 'open\n"), ["line 2, the block prologue: it is not shell: "]),
        (EXTENDS + block("epilogue", "if true"), ["line 2, the block epilogue: it is not shell: "]),
        (
            EXTENDS + block("command", "sleep 60"),
            ["line 2, the block command: it does not start the session; write {{"],
        ),
        (
            EXTENDS + block("command", "\nmodule load cuda\n{{ super() }}\n"),
            ["line 2, the block command: it is one command, which takes the script's place; move what comes before"],
        ),
        (EXTENDS + block("command", "cd /tmp && {{ super() }}"), ["line 2, the block command: it is one command"]),
        (
            EXTENDS + block("command", "OMP_NUM_THREADS=4 {{ super() }}"),
            ["line 2, the block command: it is one command, which takes the script's place; write env before OMP_NUM"],
        ),
        (
            EXTENDS + block("prologue", "\n#SBATCH --exclusive\n"),
            ["line 2, the block prologue: Slurm reads no directive there; move '#SBATCH --exclusive' to the block dir"],
        ),
        (
            EXTENDS + block("directives", "\nulimit -c 0\n#SBATCH --exclusive\n"),
            ["line 2, the block directives: Slurm reads directives up to the first command only; move 'ulimit -c 0'"],
        ),
        (
            EXTENDS + block("prologe", "") + "\n" + block("epilog", ""),
            ["line 2: there is no block prologe", "line 3: there is no block epilog"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, says: list[str]) -> None:
    found = mistakes(text)
    assert len(found) == len(says), found
    for line, beginning in zip(found, says, strict=True):
        assert line.startswith(beginning)


def test_a_mistake_that_one_size_makes_is_found() -> None:
    wrong_without_gpus = EXTENDS + block("prologue", "{% if not size.gpus %}'{% endif %}")
    assert template_mistakes(wrong_without_gpus, ["/p"], "l", SIZES[:1]) == []
    assert len(mistakes(wrong_without_gpus)) == 1


def test_blocks_and_variables_are_documented() -> None:
    manual = (CHECKOUT / "docs" / "operators.md").read_text()
    for name in blocks():
        assert f"| `{name}` |" in manual
    for name in (*variables([], "", SIZE).keys() - {"size"}, *(f"size.{field.name}" for field in fields(SessionSize))):
        assert f"`{name}`" in manual, name


def test_the_examples_of_the_manual_are_good() -> None:
    manual = (CHECKOUT / "docs" / "operators.md").read_text()
    examples = [part.partition("```")[0] for part in manual.split("```jinja\n")[1:]]
    assert len(examples) == 2
    assert [mistakes(example) for example in examples] == [[], []]


# ------------------------------------------------------------------------------------------------ an installation's


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    found = Paths(tmp_path / "prefix")
    found.site_file.parent.mkdir(parents=True)
    monkeypatch.setenv("CAMPUS_PREFIX", str(found.prefix))
    ada_has_an_account(monkeypatch)
    return found


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "job.sh.j2"
    path.write_text(GOOD)
    return path


def site_text(template: Path) -> str:
    return LOCAL.read_text() + f'\n[sessions]\njob_template = "{template}"\n'


def site_with(template: Path) -> Site:
    return SITE_FILE.parse(site_text(template), Path("site.toml"))


def test_a_site_without_a_template(paths: Paths) -> None:
    assert read_job_template(SITE_FILE.parse(LOCAL.read_text(), LOCAL), paths) == ""


def test_a_template_is_read(paths: Paths, template: Path) -> None:
    assert read_job_template(site_with(template), paths) == GOOD


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "it cannot be read: No such file or directory"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (GOOD.encode() + b"\0", "no text"),
        (GOOD.encode() + b"#" * 70_000, "it is larger than 65536 bytes"),
        (b"x", "  line 1: it must extend"),
    ],
)
def test_one_that_cannot_be_used(data: bytes | None, says: str, paths: Paths, template: Path) -> None:
    if data is None:
        template.unlink()
    else:
        template.write_bytes(data)
    with pytest.raises(JobTemplateError) as wrong:
        read_job_template(site_with(template), paths)
    assert wrong.value.code == "job-template"
    assert f"The job template {template} cannot be used:\n" in wrong.value.message
    assert says in wrong.value.message
    assert wrong.value.remedy.endswith(".")


def test_directives_are_a_mistake_where_nobody_reads_them(paths: Paths, template: Path) -> None:
    template.write_text(EXTENDS + block("directives", "\n#SBATCH --constraint=a100\n"))
    text = site_text(template)
    assert read_job_template(SITE_FILE.parse(text, Path("site.toml")), paths)
    rest = SITE_FILE.parse(text.replace("[cluster]", '[slurm]\ntransport = "rest"\n[cluster]', 1), Path("site.toml"))
    with pytest.raises(JobTemplateError, match="line 3: slurmrestd reads no directives; remove '#SBATCH --constraint"):
        read_job_template(rest, paths)


def test_check_names_its_mistakes(paths: Paths, template: Path, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "site.toml"
    file.write_text(site_text(template))
    assert cli.main(["check", str(file)]) == 0
    template.write_text(EXTENDS + block("prologe", ""))
    assert cli.main(["check", str(file)]) == 1
    assert f"{template} cannot be used:\n  line 2: there is no block prologe" in capsys.readouterr().err


def test_what_was_checked_is_what_serves(paths: Paths, template: Path) -> None:
    paths.site_file.write_text(site_text(template))
    take_job_template(read_job_template(site_with(template), paths), paths)
    template.write_text("broken")
    assert "\nexport CAMPUS_TEST=1\n" in "\n".join(render_job(paths, ADA.pw_name, "cpu", None))
    take_job_template("", paths)
    assert not paths.job_template.exists()


def test_up_changes_nothing_for_a_broken_one(
    paths: Paths, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_module, "look", lambda: pytest.fail("it went on"))
    template.write_text("broken")
    (tmp_path / "new.toml").write_text(site_text(template))
    with pytest.raises(CampusError) as wrong:
        Up(paths, print, tmp_path / "new.toml").run()
    assert wrong.value.code == "job-template"
    assert list(paths.site_file.parent.iterdir()) == []


def test_another_template_restarts_the_hub_and_nothing_else(paths: Paths, template: Path) -> None:
    write_tokens(paths)
    machine = Machine(memory_mib=8192, nvidia=(), cgroup_version=0, controllers=frozenset())
    found = []
    for text in (GOOD, GOOD, EXTENDS):
        take_job_template(text, paths)
        found.append({d.name: d.revision for d in daemons(site_with(template), machine, paths)})
    assert found[0] == found[1]
    assert {name for name in found[0] if found[0][name] != found[2][name]} == {"hub"}
