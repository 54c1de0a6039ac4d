"""The site file: what is accepted, what is refused and in which words, and what is made from the model."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel

from campus_base.manifest_file import ManifestError
from hub_config.site import Site, duration_seconds, memory_mib
from hub_config.site_docs import SCHEMA, SETTINGS, main, settings
from hub_config.site_file import LOCAL, SITE_FILE, read_site
from hub_config.site_types import PATTERNS

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = LOCAL.with_name("example.toml")
FILE = Path("site.toml")

SIZE = '[[sizes]]\nname = "s"\ntitle = "S"\nmemory = "1G"\npartition = "gpu"\n'
ACCOUNT = '[[accounts]]\nname = "trainee1"\nrole = "trainee"\n'
DEMO = '[authentication]\nmethod = "demo"\n'
PAM = '[authentication]\nmethod = "pam"\n'
OIDC = (
    '[authentication]\nmethod = "oidc"\nclient_id = "campus"\nclient_secret_file = "/etc/secret"\n'
    'authorize_url = "https://id.example.org/a"\ntoken_url = "https://id.example.org/t"\n'
    'userinfo_url = "https://id.example.org/u"\n'
)
RULE = '[[access]]\nrole = "trainee"\ngroup = "people"\n'
CLUSTER = "[cluster]\n"
PARTITION = '[[partitions]]\nname = "gpu"\n'


def addresses(more: str = "", url: str = "https://campus.example.org", hub_ip: str = "10.0.0.5") -> str:
    return f'[addresses]\npublic_url = "{url}"\nhub_ip = "{hub_ip}"\n{more}'


TLS = '[addresses.tls]\ncertificate = "/etc/tls.pem"\nkey = "/etc/tls.key"\n'
DEMO_SITE = DEMO + ACCOUNT + SIZE
EMBEDDED_SITE = DEMO_SITE + CLUSTER + PARTITION
REAL_SITE = addresses(TLS) + PAM + RULE + SIZE


def problems(text: str) -> list[str]:
    """The lines that a site file is refused with; empty for a good one."""
    try:
        SITE_FILE.parse(text, FILE)
    except ManifestError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DEMO_SITE, id="demo"),
        pytest.param(EMBEDDED_SITE, id="embedded"),
        pytest.param(REAL_SITE, id="pam"),
        pytest.param(addresses(TLS) + OIDC + RULE + SIZE, id="oidc"),
        pytest.param(addresses("listen_port = 8000\n") + OIDC + RULE + SIZE, id="another proxy ends TLS"),
        pytest.param(addresses(TLS, url="https://campus.example.org/ai/") + PAM + RULE + SIZE, id="path"),
        pytest.param('[addresses]\npublic_url = "http://localhost:9000"\n' + DEMO_SITE, id="localhost"),
        pytest.param(
            '[addresses]\npublic_url = "http://campus.localhost:9000"\nown_domains = true\n' + DEMO_SITE,
            id="own domains below localhost",
        ),
        pytest.param(PAM + RULE + SIZE + CLUSTER + PARTITION, id="pam, embedded, on loopback"),
        pytest.param(DEMO_SITE + '[[access]]\nrole = "startup"\nuser = "trainee1"\n', id="second role"),
        pytest.param(DEMO_SITE + "[slurm]\npoll_seconds = 1\n", id="whole number for a number"),
        pytest.param(DEMO_SITE.replace('"S"', '"""Größe "S"; $(rm) <b>\'"""'), id="a title is any line of text"),
        pytest.param(DEMO_SITE.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(REAL_SITE.replace('"people"', '"/Öffentlich/KI \\"2026\\"; all"'), id="group"),
        pytest.param(
            REAL_SITE + '[database]\nurl = "postgresql+psycopg://campus@db/campus?sslmode=require"\n',
            id="database",
        ),
    ],
)
def test_good_sites_are_accepted(text: str) -> None:
    assert problems(text) == []


def test_text_arrives_as_written() -> None:
    title = 'Größe "S"; $(rm) <b>\'{{ 7 }}%s'
    site = SITE_FILE.parse(DEMO_SITE.replace('title = "S"', f'title = """{title}"""'), FILE)
    assert site.sizes[0].title == title
    site = SITE_FILE.parse(addresses(TLS) + OIDC.replace("/t", "/token/") + RULE + SIZE, FILE)
    assert site.authentication.method == "oidc"
    assert site.authentication.token_url == "https://id.example.org/token/"


# A change to one of the good sites, and what the refusal must say.
REST = '[slurm]\ntransport = "rest"\n'
AT = '[slurm.rest]\nurl = "unix:/s"\nkey_file = "/k"\n'
BAD_VALUES = [
    # names and text
    (DEMO_SITE, 'name = "s"', 'name = "a\'b"', 'sizes[1].name = "a\'b": must be a name'),
    (DEMO_SITE, 'name = "s"', "name = 'a\"b'", "sizes[1].name"),
    (DEMO_SITE, 'name = "s"', 'name = "a;reboot"', 'sizes[1].name = "a;reboot": must be a name'),
    (DEMO_SITE, 'name = "s"', 'name = "a\\n"', 'sizes[1].name = "a\\n": must be a name'),
    (DEMO_SITE, 'name = "s"', 'name = "größe"', 'sizes[1].name = "größe": must be a name'),
    (DEMO_SITE, 'name = "s"', 'name = "a\\u0000"', 'sizes[1].name = "a\\u0000": must be a name'),
    (DEMO_SITE, 'name = "s"', 'name = ""', "sizes[1].name"),
    (DEMO_SITE, 'name = "s"', f'name = "{"x" * 31}"', "at most 30 long"),
    (DEMO_SITE, 'name = "s"', "name = 7", "sizes[1].name = 7: must be text, in quotes"),
    (DEMO_SITE, 'title = "S"', 'title = ""', "sizes[1].title = \"\": must not be empty"),
    (DEMO_SITE, 'title = "S"', 'title = "  "', "must not begin or end with a space"),
    (DEMO_SITE, 'title = "S"', 'title = "a\\nb"', 'sizes[1].title = "a\\nb": must be one line'),
    (DEMO_SITE, 'title = "S"', 'title = "a\\u0000b"', "must be one line"),
    (DEMO_SITE, 'title = "S"', 'title = "a\\u001b[31mb"', "\\u001b"),
    (DEMO_SITE, 'title = "S"', 'title = "a\\u202eb"', "must be one line"),
    (DEMO_SITE, 'title = "S"', 'title = "S"\ndescription = "a\\tb"', "sizes[1].description"),
    (DEMO_SITE, 'partition = "gpu"', 'partition = "a,b"', "sizes[1].partition"),
    (DEMO_SITE, 'name = "trainee1"', 'name = "Trainee One"', "must be an account name"),
    (DEMO_SITE, 'name = "trainee1"', 'name = "root"', '"root": must be a person\'s account, neither root nor service'),
    (DEMO_SITE, 'name = "trainee1"', 'name = "grader-dl"', "grader- begins those that grade courses"),
    (DEMO_SITE, 'name = "trainee1"', 'name = "service"', "must be a person's account, neither root nor service"),
    (REAL_SITE, 'group = "people"', 'group = "a\\nb"', "access[1].group"),
    (REAL_SITE, 'group = "people"', 'group = ""', 'access[1].group = "": must not be empty'),
    (REAL_SITE, 'group = "people"', 'user = "root"', "access[1].user"),
    (REAL_SITE, 'group = "people"', 'user = "service"', 'access[1].user = "service": must be a person'),
    (REAL_SITE, 'method = "pam"', 'method = "pam"\nservice = "../x"', "authentication.service"),
    (DEMO_SITE, '[auth', 'name = "a\\nb"\n[auth', 'name = "a\\nb": must be one line'),
    # numbers, switches, amounts
    (DEMO_SITE, 'name = "s"', 'name = "s"\ngpus = "4"', 'gpus = "4": must be a whole number, without quotes'),
    (DEMO_SITE, 'name = "s"', 'name = "s"\ngpus = true', "sizes[1].gpus = true: must be a whole number"),
    (DEMO_SITE, 'name = "s"', 'name = "s"\ngpus = 1.0', "sizes[1].gpus = 1.0: must be a whole number"),
    (DEMO_SITE, 'name = "s"', 'name = "s"\ngpus = -1', "sizes[1].gpus = -1: must be 0 or more"),
    (DEMO_SITE, 'name = "s"', 'name = "s"\ncpus = 2000', "sizes[1].cpus = 2000: must be 1024 or less"),
    (DEMO_SITE, 'name = "s"', f'name = "s"\ncpus = 0x{"f" * 9000}', "(a very large number)"),
    (DEMO_SITE, 'name = "s"', 'name = "s"\ntime = 2026-01-01', "sizes[1].time = \"2026-01-01\": must"),
    (DEMO_SITE, '"1G"', '"1GB"', 'sizes[1].memory = "1GB": must be a number more than zero and M'),
    (DEMO_SITE, '"1G"', '"0G"', "sizes[1].memory"),
    (DEMO_SITE, '"1G"', '"\u0661G"', "sizes[1].memory"),
    (DEMO_SITE, '"1G"', '"1G"\ntime = "2 h"', 'sizes[1].time = "2 h": must be a number more than zero and s'),
    (DEMO_SITE, '"1G"', '"1G"\nmax_time = "367d"', "must be 366d or less"),
    (DEMO_SITE, '"1G"', '"1G"\ntime = "30s"', "must have a time of 1m"),
    (DEMO_SITE, '"1G"', '"1G"\ntime = "9h"', "(9h) longer than its max_time (8h)"),
    (DEMO_SITE, '"1G"', '"1G"\ngpus = 1\nshards = 1', "must have gpus or shards, one of the two"),
    (EMBEDDED_SITE, 'name = "s"', 'name = "s"\nshards = 5', "sizes[1].shards = 5: cluster.shards_per_gpu is 4"),
    (DEMO_SITE, '"1G"', '"1G"\ngpu_type = "a100"', "must have gpus = 1 or more"),
    (DEMO_SITE, "[[sizes]]", '[slurm]\npoll_seconds = nan\n[[sizes]]', "= NaN: must be a number"),
    (DEMO_SITE, "[[sizes]]", "[slurm]\npoll_seconds = 0\n[[sizes]]", "= 0: must be 0.5 or more"),
    (DEMO_SITE, "[[sizes]]", '[culling]\nenabled = "no"\n[[sizes]]', "must be true or false"),
    (DEMO_SITE, "[[sizes]]", '[culling]\nevery = "45m"\n[[sizes]]', "every 45m is too seldom for gpu_idle = 30m"),
    (DEMO_SITE, "[[sizes]]", '[culling]\nidle = "5m"\n[[sizes]]', "5m before the end is the whole of idle = 5m"),
    (DEMO_SITE, "[[sizes]]", '[culling]\ngpu_idle = "never"\n[[sizes]]', "like 45m or 2h, or off"),
    (DEMO_SITE, "[[sizes]]", '[culling]\ngpu_idle = "400d"\n[[sizes]]', "must be 366d or less"),
    # tables and lists
    (DEMO_SITE, "[auth", 'slurm = "cli"\n[auth', "slurm: must be a table, with settings"),
    (DEMO_SITE, "[[sizes]]", "[sizes]", "sizes: must be a list: [...], or for tables one [[sizes]] for each"),
    (DEMO_SITE, SIZE, "", "sizes: is missing; add it"),
    (DEMO_SITE, "[auth", "access = [1]\n[auth", "access[1]: must be a table"),
    (DEMO_SITE, DEMO, "", "authentication: is missing; add it"),
    (DEMO_SITE, 'method = "demo"', "", "authentication.method: is missing; add method ="),
    (DEMO_SITE, '"demo"', '"ldap"', 'authentication.method: must be "demo", "pam" or "oidc"'),
    (DEMO_SITE, "[auth", 'nmae = "x"\n[auth', "nmae: is no setting here; did you mean name?"),
    (DEMO_SITE, "[auth", '"a\\u001bb" = "x"\n[auth', '"a\\u001bb": is no setting here'),
    (DEMO_SITE, SIZE, SIZE + SIZE, "sizes: has more than one named s; give each a name of its own"),
    (DEMO_SITE, ACCOUNT, ACCOUNT + ACCOUNT, "accounts: has more than one named trainee1"),
    (EMBEDDED_SITE, PARTITION, PARTITION * 2, "partitions: has more than one named gpu"),
    # people
    (DEMO_SITE, 'role = "trainee"', 'role = "boss"', "must be 'trainee', 'instructor'"),
    (DEMO_SITE, 'role = "trainee"', 'role = "instructor"', "accounts[1]: must name the course"),
    (DEMO_SITE, 'role = "trainee"', 'role = "startup"\ncourse = "c"', "accounts[1]: must name no course"),
    (REAL_SITE, 'role = "trainee"', 'role = "instructor"', "access[1]: must name the course"),
    (REAL_SITE, 'role = "trainee"', 'role = "operator"\ncourse = "c"', "access[1]: must name no course"),
    (REAL_SITE, 'group = "people"', "", "access[1]: must name a group or a user, one of the two"),
    (REAL_SITE, 'group = "people"', 'group = "people"\nuser = "a"', "must name a group or a user"),
    (REAL_SITE, RULE, "", "access: no rule lets anyone in"),
    (REAL_SITE, RULE, RULE + ACCOUNT, "accounts: demo accounts need authentication method demo"),
    (DEMO_SITE, ACCOUNT, "", "accounts: demo authentication needs at least one account"),
    (DEMO_SITE, ACCOUNT, ACCOUNT + RULE, "demo authentication knows nobody but"),
    (DEMO_SITE, ACCOUNT, ACCOUNT + '[[access]]\nrole = "operator"\nuser = "trainee1"\n', "makes trainee1"),
    # paths
    (REAL_SITE, '"/etc/tls.pem"', '"tls.pem"', 'certificate = "tls.pem": must be an absolute path'),
    (REAL_SITE, '"/etc/tls.pem"', '"~/tls.pem"', "must be an absolute path"),
    (REAL_SITE, '"/etc/tls.pem"', '"/etc/a\\u0000b"', "must be one line"),
    (REAL_SITE, '"/etc/tls.pem"', "7", "must be a path, in quotes"),
    (DEMO_SITE, SIZE, SIZE + '[sessions]\nenvironment = "env"\n', "sessions.environment"),
    (DEMO_SITE, SIZE, SIZE + '[sessions]\nfolder = "work"\n', "sessions.folder = \"work\": must be ~"),
    (DEMO_SITE, SIZE, SIZE + '[sessions]\nlog_folder = "/var/log"\n', "must be relative to the home folder"),
    (DEMO_SITE, SIZE, SIZE + '[sessions]\nlog_folder = "a/../../b"\n', "must be relative to the home folder"),
    (DEMO_SITE, SIZE, SIZE + '[sessions]\nlog_folder = ""\n', "sessions.log_folder"),
    (DEMO_SITE, SIZE, SIZE + '[content]\ncourses = "courses"\n', "content.courses"),
    (EMBEDDED_SITE, SIZE, SIZE + '[slurm]\nconf = "/etc/slurm.conf"\n', "slurm.conf: the embedded"),
    # slurmrestd
    (EMBEDDED_SITE, SIZE, SIZE + REST + AT, "slurm.rest: the embedded cluster has its own"),
    (REAL_SITE, SIZE, SIZE + REST, "slurm.transport: rest needs to know where; add [slurm.rest]"),
    (REAL_SITE, SIZE, SIZE + AT, 'slurm.rest: not used with transport = "cli"'),
    (REAL_SITE, SIZE, SIZE + REST + 'conf = "/c"\n' + AT, "slurm.conf: only Slurm's commands read it"),
    (REAL_SITE, SIZE, SIZE + REST + AT + 'token_file = "/t"\n', "must name a token_file or a key_file"),
    (REAL_SITE, SIZE, SIZE + REST + AT.replace('key_file = "/k"\n', ""), "must name a token_file or a key_file"),
    (REAL_SITE, SIZE, SIZE + REST + AT.replace("unix:/s", "unix:s"), "must be an absolute path"),
    (REAL_SITE, SIZE, SIZE + REST + AT.replace("unix:/s", "http://slurm:6820"), "must begin with https://"),
    (REAL_SITE, SIZE, SIZE + REST + AT.replace("unix:/s", "https://a:b@slurm"), "no user name and no password"),
    (REAL_SITE, SIZE, SIZE + REST + AT + '[slurm.rest.accounting]\ncluster = "c"\nenforced = ["x"]\n', "enforced"),
    # the embedded cluster
    (EMBEDDED_SITE, PARTITION, "", '"gpu": the embedded cluster has none'),
    (EMBEDDED_SITE, 'partition = "gpu"', 'partition = "gpus"', "embedded cluster has gpu; see"),
    (EMBEDDED_SITE, 'name = "s"', 'name = "s"\ngpus = 5', "sizes[1].gpus = 5: cluster.gpus_per_node is 4"),
    (EMBEDDED_SITE, 'name = "s"', 'name = "s"\ncpus = 33', "sizes[1].cpus = 33: cluster.cpus_per_node is 32"),
    (EMBEDDED_SITE, 'name = "s"', 'name = "s"\ngpus = 1\ngpu_type = "a100"', "sizes[1].gpu_type"),
    (EMBEDDED_SITE, CLUSTER, CLUSTER + "controller_port = 65534\n", "would need ports up to 65539"),
    # the database
    (REAL_SITE, PAM, '[database]\nurl = "mysql://h/d"\n' + PAM, "must begin with postgresql+psycopg://"),
    (REAL_SITE, PAM, '[database]\npassword_file = "/p"\n' + PAM, "database.password_file: a password"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "old", "new", "says"), BAD_VALUES, ids=[b[2][:40] + b[3][:30] for b in BAD_VALUES])
def test_a_mistake_is_refused_in_words(good: str, old: str, new: str, says: str) -> None:
    assert old in good
    found = problems(good.replace(old, new, 1))
    assert len(found) == 1, found
    assert says in found[0]
    assert not re.search(r"Input should|String should|Tuple should|Value error", found[0])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("campus.example.org", "must be an address like https://campus.example.org"),
        ("ftp://campus.example.org", "must be an address like"),
        ("https://", "must be an address like"),
        ("https://campus example.org", "must be an address like"),
        ("https://campus.example.org\\n", "must be an address like"),
        ("https://möbel.example.org", "must be an address like"),
        ("https://campus.example.org:0", "must have a port from 1 to 65535"),
        ("https://campus.example.org:99999", "must have a port from 1 to 65535"),
        ("https://campus.example.org/a?b", "must end after the host"),
        ("https://campus.example.org/a//b", "must end after the host"),
        ("https://campus.example.org/a;b", "must end after the host"),
        ("https://me:hunter2@campus.example.org", "must hold no user name and no password"),
        ("https://0.0.0.0", "put 0.0.0.0 in listen_ip"),
        ("https://[::1]", "holds an IPv6 address"),
        ("http://campus.example.org", "begins with http:, but [addresses.tls] is there"),
        ("https://campus.example.org:8081", "addresses.hub_port: port 8081 is taken by addresses.public_url"),
        (
            "https://campus.example.org:8001",
            "addresses.proxy_api_port: port 8001 is taken by addresses.public_url",
        ),
    ],
)
def test_bad_public_addresses(url: str, says: str) -> None:
    found = problems(addresses(TLS, url) + PAM + RULE + SIZE)
    assert any(line.startswith("addresses.") and says in line for line in found), found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            addresses() + PAM + RULE + SIZE,
            "addresses.public_url: begins with https:, but there is no certificate",
        ),
        (
            addresses("own_domains = true\n" + TLS, "https://192.0.2.1") + PAM + RULE + SIZE,
            "addresses.own_domains: there are no domains below the IP address 192.0.2.1",
        ),
        (addresses(url="http://campus.example.org") + PAM + RULE + SIZE, "would travel unencrypted"),
        (addresses(url="http://campus.example.org") + OIDC + RULE + SIZE, "would travel unencrypted"),
        (
            addresses('listen_ip = "127.0.0.1"\n', "http://campus.example.org") + PAM + RULE + SIZE,
            "unencrypted",
        ),
        (
            addresses(TLS, hub_ip="127.0.0.1") + PAM + RULE + SIZE,
            "compute nodes can't reach a loopback address",
        ),
        (
            addresses(TLS, hub_ip="0.0.0.0") + PAM + RULE + SIZE,
            "addresses.hub_ip: must be one address of this",
        ),
        (
            addresses(TLS, hub_ip="hub.example.org") + PAM + RULE + SIZE,
            "must be an IPv4 address like 10.0.0.5",
        ),
        (addresses(TLS, hub_ip="::1") + PAM + RULE + SIZE, "must be an IPv4 address like 10.0.0.5"),
        (
            addresses('listen_ip = "eth0"\n' + TLS) + PAM + RULE + SIZE,
            "must be an IPv4 address like 10.0.0.5",
        ),
        (
            addresses("listen_port = 8081\n") + PAM + RULE + SIZE,
            "port 8081 is taken by addresses.listen_port",
        ),
        (
            addresses("hub_port = 8001\n" + TLS) + PAM + RULE + SIZE,
            "port 8001 is taken by addresses.hub_port",
        ),
        (addresses("hub_port = 70000\n" + TLS) + PAM + RULE + SIZE, "must be 65535 or less"),
        (
            "[addresses]\nhub_port = 16818\n" + EMBEDDED_SITE,
            "cluster.controller_port + 1: port 16818 is taken",
        ),
        ('[addresses]\nlisten_ip = "0.0.0.0"\n' + DEMO_SITE, "demo passwords may serve this machine alone"),
        (
            '[addresses]\npublic_url = "http://10.0.0.1:8000"\n' + DEMO_SITE,
            "demo passwords may serve this machine",
        ),
        (
            addresses('listen_ip = "127.0.0.1"\nlisten_port = 8000\n', hub_ip="127.0.0.1") + DEMO_SITE,
            "demo passwords",
        ),
        ('[addresses]\nhub_ip = "10.0.0.5"\n' + DEMO_SITE, "addresses.hub_ip: the embedded cluster and demo"),
    ],
)
def test_addresses_that_do_not_fit(text: str, says: str) -> None:
    assert any(says in line for line in problems(text)), problems(text)


def test_every_mistake_is_told_at_once() -> None:
    text = (
        '[addresses]\nhub_port = "x"\n' + PAM + ACCOUNT + SIZE.replace('"1G"', '"1"') + CLUSTER
        + '[slurm]\nconf = "/etc/slurm.conf"\n[culling]\nidle = "1m"\n'
    )  # fmt: skip
    found = problems(text)
    assert [line.partition(":")[0].partition(" ")[0] for line in found] == [
        *("addresses.hub_port", "sizes[1].memory", "accounts", "access", "slurm.conf", "culling.notice"),
    ]


def test_a_list_that_lost_its_only_row_is_not_called_empty() -> None:
    assert problems(DEMO_SITE.replace('"1G"', '"x"')) == [
        'sizes[1].memory = "x": must be a number more than zero and M, G or T, like 512M or 4G'
    ]
    assert problems("sizes = []\n" + DEMO + ACCOUNT) == ["sizes: must have at least one entry; add one"]


@pytest.mark.parametrize(
    "text",
    [
        REAL_SITE + '[database]\nurl = "postgresql+psycopg://campus:hunter2@db/campus"\n',
        REAL_SITE + '[database]\nurl = "postgresql+psycopg://campus:hun/ter2?hunter2@db/campus"\n',
        REAL_SITE + '[database]\nurl = "postgresql+psycopg://db/campus?user=c&password=hunter2"\n',
        REAL_SITE + '[database]\nurl = "postgres://campus:hunter2@db/campus"\n',
        REAL_SITE + '[database]\nurl = ["hunter2"]\n',
        REAL_SITE + '[database]\npassword = "hunter2"\n',
        REAL_SITE + '[database]\npassword_file = "hunter2"\n',
        REAL_SITE.replace('"/etc/tls.key"', '"""-----BEGIN KEY-----\nhunter2"""'),
        'database = "hunter2"\n' + REAL_SITE,
        'authentication = "hunter2"\n' + RULE + SIZE,
        'authentication = ["hunter2"]\n' + RULE + SIZE,
        addresses(TLS) + OIDC.replace('"/etc/secret"', '"hunter2"') + RULE + SIZE,
        addresses(TLS) + OIDC.replace("client_secret_file", "client_secret").replace("/etc/secret", "hunter2") + SIZE,
        addresses(TLS) + OIDC.replace("https://id", "https://me:hunter2@id") + RULE + SIZE,
        addresses(TLS) + OIDC.replace("https://id.example.org/t", "http://id/t?client_secret=hunter2") + RULE + SIZE,
        addresses(TLS) + PAM + 'password = "hunter2"\n' + RULE + SIZE,
        'authentication = { method = "hunter2" }\n' + RULE + SIZE,
        REAL_SITE + 'token = "hunter2',
    ],
)
def test_an_error_shows_no_secret(text: str) -> None:
    with pytest.raises(ManifestError) as caught:
        SITE_FILE.parse(text, FILE)
    error = caught.value
    for shown in (str(error), repr(error), error.detail, str(error.as_dict()), str(error.problems)):
        assert "hunter2" not in shown
    assert error.__suppress_context__


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"name = ", "it is not TOML: Invalid value (at end of document)", id="half a line"),
        pytest.param(b"a = 1\na = 2\n", "it is not TOML: Cannot overwrite a value", id="twice"),
        pytest.param(b'name = "a\0b"\n', "it is not TOML: Illegal character '\\x00'", id="null byte"),
        pytest.param(b'{"name": "Campus"}', "it is not TOML", id="JSON"),
        pytest.param(b"", "authentication: is missing; add it", id="empty"),
        pytest.param(b'name = "x"\nname2 = "\xff"\n', "it is not UTF-8 text: see line 2", id="not UTF-8"),
        pytest.param("name = 1".encode("utf-16"), "it is not UTF-8 text: see line 1", id="UTF-16"),
        pytest.param(b"a = " + b"[" * 5000, "it is no site file", id="deep"),
        pytest.param(b"a = " + b"9" * 5000, "it is no site file", id="long number"),
        pytest.param(b'name = "' + b"x" * 10_000_000 + b'"', "it is larger than 1048576 bytes", id="10 MB"),
    ],
)
def test_a_file_that_is_no_site_file(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        read_site(path)
    assert any(says in line for line in caught.value.problems), caught.value.problems
    assert str(path) in caught.value.message
    assert len(str(caught.value)) < 2000


def test_a_long_value_is_cut_in_the_message() -> None:
    found = problems(DEMO_SITE.replace('"S"', f'"{"x" * 10_000_000}"'))
    assert len(found) == 1
    assert len(found[0]) < 300
    assert found[0].endswith("must be at most 60 characters long")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO_SITE, encoding="utf-8-sig")
    assert read_site(path).sizes[0].name == "s"


def _refusal(path: Path) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        read_site(path)
    return caught.value


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _refusal(tmp_path / "none.toml").problems == ["there is no such file"]
    assert _refusal(tmp_path).problems == ["it is not a file"]
    assert _refusal(Path("/dev/zero")).problems == ["it is not a file"]
    assert _refusal(LOCAL / "below").problems == ["it cannot be read: Not a directory"]
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    assert _refusal(loop).problems == ["it cannot be read: Too many levels of symbolic links"]

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    refusal = _refusal(LOCAL)
    assert refusal.problems == ["it cannot be read: Permission denied"]
    assert refusal.remedy == "Make it readable, or name another"


def test_the_remedy_is_a_command_that_works(tmp_path: Path) -> None:
    path = tmp_path / "my site; rm.toml"
    path.write_text("")
    assert _refusal(path).remedy == f"Correct the file and run ./campus check '{path}'"
    assert _refusal(path).code == "site-file"


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("45m", 2700), ("2h", 7200), ("1d", 86400)])
def test_durations(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(("text", "mib"), [("512M", 512), ("4G", 4096), ("1T", 1048576)])
def test_memory(text: str, mib: int) -> None:
    assert memory_mib(text) == mib


@pytest.mark.parametrize("text", ["", "s", "h", "5", "5x", "-5m", "5 m", "²m", "1.5h", "5m\n", "0h", "9" * 5000 + "h"])
def test_what_is_neither_duration_nor_memory(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number more than zero"):
        duration_seconds(text)
    with pytest.raises(ValueError, match="must be a number more than zero"):
        memory_mib(text)


@pytest.mark.parametrize("path", [LOCAL, EXAMPLE], ids=["local", "example"])
def test_the_sites_that_come_with_campus(path: Path) -> None:
    site = read_site(path)
    assert {rule.role for rule in site.rules()} == {"trainee", "instructor", "startup", "operator"}
    header = path.read_text().splitlines()[0]
    assert header == f"#:schema ./{SCHEMA.name}"
    jsonschema.Draft202012Validator(_schema()).validate(tomllib.loads(path.read_text()))


def _schema() -> dict[str, Any]:
    found = json.loads(SITE_FILE.schema())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_the_optional_lines_of_the_example_are_good() -> None:
    text = re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    site = SITE_FILE.parse(text, EXAMPLE)
    assert site.addresses.listen_port == 8443
    jsonschema.Draft202012Validator(_schema()).validate(tomllib.loads(text))


def _settings_of(model: type[BaseModel], table: str = "") -> set[tuple[str, str]]:
    """Every (table, key) of a model, found through the annotations of its fields."""

    def models(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [m for argument in get_args(annotation) for m in models(argument)]

    found: set[tuple[str, str]] = set()
    for key, field in model.model_fields.items():
        below = models(field.annotation)
        for part in below:
            found |= _settings_of(part, f"{table}.{key}".lstrip("."))
        if not below:
            found.add((table, key))
    return found


def test_the_example_mentions_every_setting() -> None:
    mentioned, table = set(), ""
    for line in EXAMPLE.read_text().splitlines():
        if heading := re.match(r"#? *\[+([a-z_.]+)\]+(?: *#.*)?$", line):
            table = heading[1]
        elif setting := re.match(r"#? *([a-z_]+) = ", line):
            # The other ways to sign in stand, as comments, above the table of the one that is used.
            other = {"method", "service"} if table == "database" else set()
            mentioned.add(("authentication" if setting[1] in other else table, setting[1]))
    assert _settings_of(Site) - mentioned == set()


def test_every_setting_has_a_meaning_and_a_type_in_words() -> None:
    page = settings()
    for table, key in _settings_of(Site):
        assert f"| `{key}` |" in page, (table, key)
    patterns = set(re.findall(r'"pattern": "(.*)"', SITE_FILE.schema()))
    assert {p.replace("\\\\", "\\") for p in patterns} <= PATTERNS.keys()


def test_what_is_made_from_the_model_is_current(tmp_path: Path) -> None:
    (tmp_path / SCHEMA.parent).mkdir(parents=True)
    (tmp_path / SETTINGS.parent).mkdir()
    assert main([str(tmp_path)]) == 0
    for made in (SCHEMA, SETTINGS):
        assert (tmp_path / made).read_text() == (CHECKOUT / made).read_text(), (
            f"{made} is old: run python -m hub_config.site_docs {CHECKOUT}"
        )


@pytest.mark.parametrize("arguments", [[], ["/nonexistent"], [".", "."]])
def test_the_generator_refuses_what_is_no_checkout(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_a_site_cannot_be_changed_after_loading() -> None:
    site = read_site(LOCAL)
    with pytest.raises(ValueError, match="frozen"):
        site.name = "x"
    assert site.size("gpu1") is site.sizes[2]
    assert site.size("none") is None
