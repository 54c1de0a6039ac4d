from __future__ import annotations

import getpass
import grp
import os
import pwd
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.apihandlers.users import ActivityAPIHandler
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets.config import Config

from campus_base.errors import CampusError
from hub_config.access import campus_groups, claim_values, unix_groups, unix_name
from hub_config.auth import DemoAuthenticator, MachineAuthenticator, OidcAuthenticator, update_authentication
from hub_config.paths import Paths
from hub_config.site import AccessRule, Site

SIZE: dict[str, Any] = {"name": "cpu", "title": "CPU", "partition": "gpu", "memory": "1G"}
PEOPLE, OPERATORS = "demo password", "o" * 32
STRANGE = [
    'a"b',
    "a'b",
    "a;b",
    "a b",
    "$(id)",
    "a\nb",
    "anna\n",
    "ünal",
    "анна",
    "\N{FULLWIDTH LATIN SMALL LETTER A}nna",
    "a/b",
    "../b",
    "a\0b",
]


def rule(role: str, **fields: str) -> AccessRule:
    return AccessRule.model_validate({"role": role, **fields})


RULES = (
    rule("trainee", group="/training/2026"),
    rule("trainee", group='quo"te;s $(id) Ünï'),
    rule("startup", group="startups"),
    rule("instructor", group="/staff", course="dl"),
    rule("instructor", user="mweber", course="gpu"),
    rule("trainee", user="cora", course="gpu"),
    rule("operator", group="ops"),
)


@pytest.mark.parametrize(
    ("user", "provider", "expected"),
    [
        ("anna", [], set()),
        ("anna", ["unknown"], set()),
        ("anna", ["/training/2026"], {"trainee"}),
        ("anna", ["/training/2026", "/training/2026"], {"trainee"}),
        ("anna", ["/training/2026", "startups", "unknown"], {"trainee", "startup"}),
        ("anna", ["/staff", "ops"], {"instructor-dl", "operator"}),
        ("mweber", [], {"instructor-gpu"}),
        ("cora", [], {"trainee-gpu"}),
        ("mweber", ["/staff"], {"instructor-gpu", "instructor-dl"}),
        ("anna", ['quo"te;s $(id) Ünï'], {"trainee"}),
        # A group at the provider that is called like one of Campus's, or like a user, is nothing of ours.
        ("anna", ["operator", "trainee", "instructor-gpu", "mweber"], set()),
        # Nearly the same is not the same.
        ("anna", ["/Training/2026", "/training/2026/", " /training/2026", "/training/2026\n"], set()),
        ("Mweber", [], set()),
        ("mweber\n", [], set()),
        *((name, STRANGE, set()) for name in STRANGE),
    ],
)
def test_rules_decide_the_groups(user: str, provider: list[str], expected: set[str]) -> None:
    assert campus_groups(RULES, user, provider) == expected


def test_no_rules_let_nobody_in() -> None:
    assert campus_groups((), "anna", ["ops"]) == set()


@pytest.mark.parametrize("name", ["a", "_a", "anna-b_2", "a" * 32, "services", "service1"])
def test_account_names(name: str) -> None:
    assert unix_name(name) == name


@pytest.mark.parametrize(
    "name", [*STRANGE, "", "Anna", "1a", "-a", "a.b", "a@b.lu", "a" * 33, "service", "grader-dl", None, 7, ["a"]]
)
def test_what_is_no_account_name_is_refused(name: Any) -> None:
    with pytest.raises(HTTPError) as refused:
        unix_name(name)
    assert refused.value.status_code == 403
    assert "Ask an operator" in refused.value.log_message


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (None, []),
        ("one", ["one"]),
        (["a", "b;c"], ["a", "b;c"]),
        (["a", 1, None, ["b"], {"c": 1}], ["a"]),
        ({"ops": True}, []),
        (7, []),
    ],
)
def test_claim_values(claim: Any, expected: list[str]) -> None:
    assert claim_values(claim) == expected


def test_unix_groups() -> None:
    name = getpass.getuser()
    numbers = os.getgrouplist(name, pwd.getpwnam(name).pw_gid)
    known = {g.gr_gid: g.gr_name for g in grp.getgrall()}
    assert unix_groups(name) == [known[n] for n in numbers if n in known]
    assert unix_groups("nobody-of-that-name") == []


def test_a_group_without_a_name_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [0, 987654])
    assert unix_groups("root") == ["root"]


# ---------------------------------------------------------------- configured on a bare Config


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.secrets.mkdir(parents=True)
    for name, text in (
        ("demo-password", PEOPLE),
        ("operator-password", OPERATORS),
        ("crypt-key", "ab" * 32),
        ("client", "sécret \"';"),
    ):
        found.secret(name).write_text(text + "\n")
    return found


def site_of(method: str, paths: Paths, **more: Any) -> Site:
    fields: dict[str, Any] = {
        "sizes": [SIZE],
        "cluster": {},
        "partitions": [{"name": "gpu"}],
        "authentication": {"method": method},
    }
    if method == "demo":
        fields["accounts"] = [
            {"name": "anna", "role": "trainee"},
            {"name": "olga", "role": "operator"},
            {"name": "ivo", "role": "instructor", "course": "dl"},
        ]
    else:
        fields["access"] = [r.model_dump(exclude_none=True) for r in RULES]
    if method == "oidc":
        fields["authentication"] |= {
            "client_id": "campus",
            "client_secret_file": str(paths.secret("client")),
            "authorize_url": "https://id.example.org/auth",
            "token_url": "https://id.example.org/token",
            "userinfo_url": "https://id.example.org/me",
            **more,
        }
    return Site.model_validate(fields)


def configured(method: str, paths: Paths, **more: Any) -> Config:
    c = Config()
    update_authentication(c, site_of(method, paths, **more), paths)
    return c


CLASSES: dict[str, Any] = {"demo": DemoAuthenticator, "pam": MachineAuthenticator, "oidc": OidcAuthenticator}


@pytest.mark.parametrize("method", CLASSES)
def test_nobody_gets_in_by_default(method: str, paths: Paths) -> None:
    c = configured(method, paths)
    assert c.JupyterHub.authenticator_class is CLASSES[method]
    made = CLASSES[method](config=c)
    assert made.manage_groups
    assert not made.allow_all
    assert not made.allow_existing_users
    assert made.admin_users == set() == made.allowed_users
    assert made.auth_refresh_age == 300
    assert made.refresh_pre_spawn
    assert made.any_allow_config, "JupyterHub would warn that nobody can sign in"


def test_oidc_settings(paths: Paths, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    made = OidcAuthenticator(
        config=configured("oidc", paths, username_claim="uid", groups_claim="member_of", ca_file=str(ca))
    )
    assert made.client_secret == "sécret \"';"
    assert made.oauth_callback_url == "http://127.0.0.1:8000/hub/oauth_callback"
    assert (made.authorize_url, made.token_url, made.userdata_url) == (
        "https://id.example.org/auth",
        "https://id.example.org/token",
        "https://id.example.org/me",
    )
    assert (made.username_claim, made.groups_claim) == ("uid", "member_of")
    assert made.http_request_kwargs == {"ca_certs": str(ca)}
    assert made.enable_pkce
    assert made.validate_server_cert
    assert made.enable_auth_state


@pytest.mark.parametrize(
    ("method", "name", "text", "code"),
    [
        ("demo", "demo-password", None, "secret-missing"),
        ("demo", "operator-password", "o" * 31, "secret-short"),
        ("oidc", "client", None, "secret-missing"),
        ("oidc", "client", " \n", "secret-short"),
        ("oidc", "crypt-key", "", "secret-short"),
    ],
)
def test_a_missing_secret_is_a_sentence(method: str, name: str, text: str | None, code: str, paths: Paths) -> None:
    site = site_of(method, paths)
    paths.secret(name).unlink() if text is None else paths.secret(name).write_text(text)
    with pytest.raises(CampusError) as refused:
        update_authentication(Config(), site, paths)
    assert refused.value.code == code
    assert str(paths.secret(name)) in refused.value.message
    assert refused.value.remedy


# ---------------------------------------------------------------- signing in


PAGE = object()


class Person:
    """As much of JupyterHub's User as a refresh touches."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: list[str] | None = None

    def sync_groups(self, names: list[str]) -> None:
        self.groups = names

    async def get_auth_state(self) -> dict[str, Any]:
        return {"token_response": {"access_token": "t", "token_type": "bearer"}, "refresh_token": None}


async def sign_in(authenticator: Any, name: str, password: str) -> Any:
    return await authenticator.get_authenticated_user(None, {"username": name, "password": password})


@pytest.mark.parametrize(
    ("name", "password", "groups"),
    [
        ("anna", PEOPLE, ["trainee"]),
        ("Anna", PEOPLE, ["trainee"]),
        ("ivo", PEOPLE, ["instructor-dl"]),
        ("olga", OPERATORS, ["operator"]),
        ("olga", PEOPLE, None),
        ("OLGA", PEOPLE, None),
        ("anna", OPERATORS, None),
        ("anna", "", None),
        ("anna", "pässwörd\n", None),
        ("stranger", "wrong", None),
    ],
)
async def test_demo_passwords(name: str, password: str, groups: list[str] | None, paths: Paths) -> None:
    model = await sign_in(DemoAuthenticator(config=configured("demo", paths)), name, password)
    if groups is None:
        assert model is None
    else:
        assert model["groups"] == groups
        assert model["admin"] is False


@pytest.mark.parametrize("name", ["stranger", "", "root", *STRANGE])
async def test_demo_knows_its_accounts_only(name: str, paths: Paths) -> None:
    authenticator = DemoAuthenticator(config=configured("demo", paths))
    model = None
    with suppress(HTTPError):
        model = await sign_in(authenticator, name, PEOPLE)
    assert model is None


async def test_a_grader_is_nobody_to_ask_about_and_nobody_to_sign_in_as(paths: Paths) -> None:
    authenticator = DemoAuthenticator(config=configured("demo", paths))
    assert await authenticator.refresh_user(SimpleNamespace(name="grader-dl")) is True
    with pytest.raises(HTTPError) as refused:
        await sign_in(authenticator, "grader-dl", PEOPLE)
    assert refused.value.status_code == 403


async def test_a_form_without_fields_is_a_wrong_password(paths: Paths) -> None:
    authenticator = DemoAuthenticator(config=configured("demo", paths))
    assert await authenticator.get_authenticated_user(None, {}) is None


@pytest.fixture
def pam(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> MachineAuthenticator:
    """The real class before a PAM that takes the password "right", and Unix groups of our choice."""
    import pamela

    def authenticate(name: str, password: str, **_: Any) -> None:
        if password != "right":
            raise pamela.PAMError("wrong")

    monkeypatch.setattr(pamela, "authenticate", authenticate)
    monkeypatch.setattr(pamela, "check_account", lambda *_, **__: None)
    members = {"anna": ["startups", "users"], "olga": ["ops"], "guest": ["users"]}
    monkeypatch.setattr("hub_config.auth.unix_groups", lambda name: members.get(name, []))
    return MachineAuthenticator(config=configured("pam", paths))


async def test_pam_takes_unix_groups(pam: MachineAuthenticator) -> None:
    model = await sign_in(pam, "anna", "right")
    assert (model["name"], model["groups"], model["admin"]) == ("anna", ["startup"], False)
    # What a phone's keyboard makes of it is the account whose password was checked.
    assert (await sign_in(pam, "Anna", "right"))["name"] == "anna"
    assert await sign_in(pam, "anna", "wrong") is None


@pytest.mark.parametrize("name", ["guest", "", *STRANGE])
async def test_pam_refuses_who_has_no_rule_and_what_is_no_name(name: str, pam: MachineAuthenticator) -> None:
    with pytest.raises(HTTPError) as refused:
        await sign_in(pam, name, "right")
    assert refused.value.status_code == 403


@pytest.fixture
def oidc(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The real class before a provider that answers ``claims``, or raises them."""
    made: Any = OidcAuthenticator(config=configured("oidc", paths))
    claims: dict[str, Any] = {}

    async def token(*_: Any) -> dict[str, str]:
        return {"access_token": "t", "token_type": "bearer"}

    async def user(*_: Any) -> Any:
        if isinstance(claims.get("raise"), Exception):
            raise claims["raise"]
        return claims.get("raw", claims)

    monkeypatch.setattr(made, "build_access_tokens_request_params", lambda *_: {})
    monkeypatch.setattr(made, "get_token_info", token)
    monkeypatch.setattr(made, "token_to_user", user)
    return SimpleNamespace(authenticator=made, claims=claims)


async def test_oidc_sign_in(oidc: Any) -> None:
    oidc.claims |= {"preferred_username": "anna", "groups": ["ops", "/training/2026", "secret-project"]}
    model = await oidc.authenticator.get_authenticated_user(None, None)
    assert (model["name"], model["groups"], model["admin"]) == ("anna", ["operator", "trainee"], False)


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": "anna"},
        {"preferred_username": "anna", "groups": []},
        {"preferred_username": "anna", "groups": {"ops": 1}},
        {"preferred_username": "anna", "groups": ["operator", "trainee"]},
        {"groups": ["ops"]},
        {"raw": None},
        {"raw": ["ops"]},
        *({"preferred_username": name, "groups": ["ops"]} for name in [*STRANGE, "Anna", "", None, 7]),
    ],
)
async def test_oidc_refuses(claims: dict[str, Any], oidc: Any) -> None:
    oidc.claims |= claims
    with pytest.raises(HTTPError) as refused:
        await oidc.authenticator.get_authenticated_user(None, None)
    assert refused.value.status_code == 403
    assert refused.value.log_message.endswith("Ask an operator for one.")


# ---------------------------------------------------------------- looking again


async def test_a_refresh_maps_groups_anew(oidc: Any) -> None:
    anna = Person("anna")
    oidc.claims |= {"preferred_username": "anna", "groups": ["startups"]}
    model = await oidc.authenticator.refresh_user(anna, PAGE)
    assert (model["groups"], model["admin"]) == (["startup"], False)


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"preferred_username": "anna", "groups": []}, []),
        # Somebody else now: the rules for mweber are not anna's.
        ({"preferred_username": "mweber", "groups": []}, None),
        ({"preferred_username": "Anna", "groups": ["ops"]}, None),
        ({"raise": HTTPClientError(401)}, None),
    ],
)
async def test_who_is_refused_at_a_refresh_signs_in_again(
    claims: dict[str, Any], groups: list[str] | None, oidc: Any
) -> None:
    anna, authenticator = Person("anna"), oidc.authenticator
    oidc.claims |= claims
    assert await authenticator.refresh_user(anna, PAGE) is False
    assert authenticator.auth_refresh_strict, "tokens would go on as before"
    assert anna.groups == groups
    # A session of theirs may still report that it is at work.
    report = ActivityAPIHandler.__new__(ActivityAPIHandler)
    assert await authenticator.refresh_user(anna, report) is False
    assert not authenticator.auth_refresh_strict


@pytest.mark.parametrize("error", [HTTPClientError(599), HTTPClientError(503), ConnectionRefusedError(), ValueError()])
async def test_a_silent_provider_ends_no_session(error: Exception, oidc: Any) -> None:
    anna = Person("anna")
    oidc.claims |= {"raise": error}
    assert await oidc.authenticator.refresh_user(anna, PAGE) is True
    assert anna.groups is None


async def test_rules_are_applied_anew_without_a_provider_too(pam: MachineAuthenticator, paths: Paths) -> None:
    demo = DemoAuthenticator(config=configured("demo", paths))
    for authenticator, name, groups in ((pam, "olga", ["operator"]), (demo, "ivo", ["instructor-dl"])):
        person = Person(name)
        model = await authenticator.refresh_user(person, PAGE)
        assert isinstance(model, dict)
        assert model["groups"] == groups
        gone = Person("guest")
        assert await authenticator.refresh_user(gone, PAGE) is False
        assert gone.groups == []
