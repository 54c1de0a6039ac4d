from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.auth import NullAuthenticator
from jupyterhub.roles import assign_default_roles
from jupyterhub.scopes import get_scopes_for, has_scope, parse_scopes, scope_definitions
from traitlets.config import Config

from hub_config.home import MAY_ASK_FOR
from hub_config.paths import Paths
from hub_config.roles import (
    CULLER,
    ENTER_GRADERS,
    EVERYBODY,
    EXCHANGE,
    GRADERS,
    HOME,
    PEOPLE,
    PUBLISHER,
    SERVICES,
    roles,
    update_roles,
)
from hub_config.services import culler, update_services
from hub_config.site import Site
from tests.support.tokens import write_tokens
from tests.unit.test_callback import empty_database

PATHS = Paths(Path("/srv/campus"))
# Groups of each kind; "dl-" because a course's name may end so and the name of a JupyterHub role may not.
GROUPS = ("trainee", "startup", "instructor-dl", "instructor-dl-", "operator")


def site_of(**more: Any) -> Site:
    rules = [
        {"role": "trainee", "group": 'quo"te;s $(id) Ünï'},
        {"role": "startup", "group": "startups"},
        {"role": "instructor", "user": "ivo", "course": "dl"},
        {"role": "instructor", "group": "staff", "course": "dl"},
        {"role": "instructor", "group": "staff", "course": "dl-"},
        {"role": "operator", "group": "ops"},
    ]
    return Site.model_validate(
        {
            "authentication": {
                "method": "oidc",
                "client_id": "campus",
                "client_secret_file": "/nowhere",
                "authorize_url": "https://id.example.org/auth",
                "token_url": "https://id.example.org/token",
                "userinfo_url": "https://id.example.org/me",
            },
            "access": rules,
            "cluster": {},
            "partitions": [{"name": "gpu"}],
            "sizes": [{"name": "cpu", "title": "CPU", "partition": "gpu", "memory": "1G"}],
            **more,
        }
    )


async def load(db: Any, site: Site) -> None:
    """The roles as JupyterHub itself loads them at its start, with groups that the authenticator manages."""
    c = Config()
    update_roles(c, site, PATHS)
    c.NullAuthenticator.manage_groups = True
    app = JupyterHub(config=c)
    app.db = db
    app.authenticator = NullAuthenticator(parent=app)
    await app.init_role_creation()
    await app.init_role_assignment()


@pytest.fixture(scope="module")
def loaded() -> Any:
    """JupyterHub's database with our roles, a person of each group, and "other", who is in none."""
    db = empty_database()
    db.add_all([orm.Service(name=name) for name in (CULLER, EXCHANGE, HOME, PUBLISHER)])
    db.add(orm.OAuthClient(identifier="jupyterhub"))
    db.commit()
    asyncio.run(load(db, site_of()))
    for name in (*GROUPS, "other"):
        user = orm.User(name=name)
        db.add(user)
        assign_default_roles(db, user)
        if name != "other":
            group = orm.Group.find(db, name)
            if group is None:
                group = orm.Group(name=name)
                db.add(group)
            user.groups.append(group)
    db.commit()
    return db


@pytest.fixture
def hub(loaded: Any) -> Any:
    """A copy of that database for one test."""
    db = empty_database()
    loaded.connection().connection.driver_connection.backup(db.connection().connection.driver_connection)
    return db


def held(db: Any, bearer: Any) -> Any:
    return parse_scopes(get_scopes_for(bearer))


# What a role may do to people and servers that are not its own, of all that JupyterHub knows.
ON_OTHERS: dict[str, set[str]] = {
    "trainee": set(),
    "startup": set(),
    "instructor-dl": set(),
    "instructor-dl-": set(),
    "operator": {
        "admin-ui",
        "list:users",
        "read:users",
        "read:users:name",
        "read:users:groups",
        "read:users:activity",
        "read:servers",
        "start:servers",
        "delete:servers",
        "list:groups",
        "read:groups",
        "read:groups:name",
        "read:hub",
        "read:metrics",
    },
    CULLER: {"list:users", "read:users:name", "read:servers", "delete:servers"},
}


@pytest.mark.parametrize("role", ON_OTHERS)
def test_what_a_role_may_do_to_others(role: str, hub: Any) -> None:
    bearer = orm.Service.find(hub, role) if role == CULLER else orm.User.find(hub, role)
    have = held(hub, bearer)
    real = {s for s in scope_definitions if s not in ("self", "inherit", "(no_scope)")}
    # Unfiltered, and on another person, their server, and a group that is not one's own.
    filters = ("", "!user=other", "!server=other/", "!group=unrelated")
    found = {scope for scope in real for f in filters if has_scope(f"{scope}{f}", have, db=hub)}
    assert found == ON_OTHERS[role]


@pytest.mark.parametrize("role", [*GROUPS, "other"])
def test_everybody_has_their_own(role: str, hub: Any) -> None:
    have = held(hub, orm.User.find(hub, role))
    own = ("read:users", "read:servers", "start:servers", "delete:servers", "access:servers", "tokens")
    assert all(has_scope(f"{scope}!user={role}", have, db=hub) for scope in own)


@pytest.mark.parametrize("role", [*GROUPS, "other"])
@pytest.mark.parametrize(
    "never",
    [
        "access:servers",
        "tokens",
        "read:tokens",
        "users",
        "users:activity",
        "groups",
        "shares",
        "proxy",
        "shutdown",
    ],
)
def test_never(role: str, never: str, hub: Any) -> None:
    have = held(hub, orm.User.find(hub, role))
    assert not has_scope(never, have, db=hub)
    assert not has_scope(f"{never}!user=operator" if role != "operator" else f"{never}!user=other", have, db=hub)


@pytest.mark.parametrize("role", ["trainee", "startup", "instructor-dl", "instructor-dl-", "operator"])
def test_nobody_has_an_admin_scope(role: str, hub: Any) -> None:
    user = orm.User.find(hub, role)
    assert not user.admin
    assert not [s for s in get_scopes_for(user) if s.startswith("admin:")]
    assert "admin-ui" not in get_scopes_for(user) or role == "operator"


def test_an_instructor_reads_their_own_course_only(hub: Any) -> None:
    have = held(hub, orm.User.find(hub, "instructor-dl"))
    assert has_scope("read:groups!group=instructor-dl", have, db=hub)
    assert not has_scope("read:groups!group=instructor-dl-", have, db=hub)
    assert not has_scope("read:groups!group=operator", have, db=hub)


def test_an_instructor_uses_the_grader_of_their_own_course_only(hub: Any) -> None:
    for name in ("grader-dl", "grader-dl-"):
        hub.add(orm.User(name=name))
    hub.commit()
    have = held(hub, orm.User.find(hub, "instructor-dl"))
    for scope in ("start:servers", "delete:servers", "read:servers", "access:servers"):
        assert has_scope(f"{scope}!server=grader-dl/", have, db=hub)
        assert not has_scope(f"{scope}!server=grader-dl-/", have, db=hub)
    assert not has_scope("tokens!user=grader-dl", have, db=hub)
    for name in ("trainee", "startup", "other", "instructor-dl-"):
        theirs = held(hub, orm.User.find(hub, name))
        assert not has_scope("start:servers!server=grader-dl/", theirs, db=hub)
        assert not has_scope("access:servers!server=grader-dl/", theirs, db=hub)


def test_the_publisher_starts_graders_and_nobody_else(hub: Any) -> None:
    grader = orm.User(name="grader-dl")
    hub.add_all([grader, orm.Group(name=GRADERS, users=[grader])])
    hub.commit()
    have = held(hub, orm.Service.find(hub, PUBLISHER))
    assert has_scope("start:servers!server=grader-dl/", have, db=hub)
    assert not has_scope("start:servers!server=trainee/", have, db=hub)
    assert not has_scope("access:servers!server=grader-dl/", have, db=hub)
    assert has_scope(ENTER_GRADERS, have, db=hub)
    for name in (*GROUPS, "other"):
        assert not has_scope(ENTER_GRADERS, held(hub, orm.User.find(hub, name)), db=hub)


def test_a_token_of_an_operator_has_no_more(hub: Any) -> None:
    operator = orm.User.find(hub, "operator")
    token = orm.APIToken.find(hub, operator.new_api_token())
    assert get_scopes_for(token) == get_scopes_for(operator)
    with pytest.raises(ValueError, match="admin:users"):
        operator.new_api_token(scopes=["admin:users"])


def test_who_leaves_the_group_loses_the_role(hub: Any) -> None:
    operator = orm.User.find(hub, "operator")
    token = orm.APIToken.find(hub, operator.new_api_token())
    operator.groups = []
    hub.commit()
    assert "list:users" not in get_scopes_for(operator) | get_scopes_for(token)


def test_groups_that_are_missing_are_made(hub: Any) -> None:
    assert {g.name for g in hub.query(orm.Group)} == set(GROUPS)


async def test_a_role_that_no_rule_gives_any_more_is_gone(hub: Any) -> None:
    rest = [{"role": "trainee", "group": "training"}]
    await load(hub, site_of(access=rest, culling={"enabled": False}))
    assert "list:users" not in get_scopes_for(orm.User.find(hub, "operator"))
    assert not get_scopes_for(orm.Service.find(hub, CULLER))


def test_the_table_is_data_that_jupyterhub_knows() -> None:
    for scopes in (*PEOPLE.values(), *SERVICES.values(), *EVERYBODY.values()):
        assert {s.partition("!")[0] for s in scopes} <= set(scope_definitions)
    assert [r["name"] for r in roles(site_of())] == [
        "instructor-dl-role",
        "instructor-dl--role",
        "operator-role",
        *EVERYBODY,
        CULLER,
        PUBLISHER,
    ]


def test_the_token_of_a_session_reaches_the_exchange_and_not_its_owners_rights(hub: Any) -> None:
    """As JupyterHub makes it at a start (User.spawn): the role's scopes, as far as the person has them."""
    user = orm.User.find(hub, "trainee")
    scopes = {f"{s}=trainee/" if s.endswith("!server") else s for s in EVERYBODY["server"]}
    have = held(hub, orm.APIToken.find(hub, user.new_api_token(scopes=scopes)))
    assert has_scope("access:services!service=exchange", have, db=hub)
    assert not has_scope("access:services!service=publisher", have, db=hub)
    assert not has_scope("start:servers!user=trainee", have, db=hub)


def test_everybody_may_use_the_exchange(hub: Any) -> None:
    for name in (*GROUPS, "other"):
        assert has_scope("access:services!service=exchange", held(hub, orm.User.find(hub, name)), db=hub)
    assert not get_scopes_for(orm.Service.find(hub, EXCHANGE))


def test_everybody_may_use_home_which_may_nothing(hub: Any) -> None:
    for name in (*GROUPS, "other"):
        assert has_scope("access:services!service=home", held(hub, orm.User.find(hub, name)), db=hub)
    assert not get_scopes_for(orm.Service.find(hub, HOME))


def test_a_sign_in_at_home_is_good_for_what_its_pages_show_and_no_more(hub: Any) -> None:
    user = orm.User.find(hub, "operator")
    have = held(hub, orm.APIToken.find(hub, user.new_api_token(scopes=MAY_ASK_FOR)))
    assert has_scope("access:services!service=exchange", have, db=hub)
    assert has_scope("read:servers!user=operator", have, db=hub)
    for scope in (
        "read:servers!user=trainee",
        "start:servers!user=operator",
        "access:servers!user=operator",
        "list:users",
    ):
        assert not has_scope(scope, have, db=hub), scope


def test_the_culler(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    write_tokens(paths)
    c = Config()
    update_services(c, site_of(culling={"idle": "2h", "every": "2m"}), paths)
    service = c.JupyterHub.services[-1]
    assert service["name"] == CULLER
    assert "admin" not in service
    assert "environment" not in service
    assert service["command"] == [
        *("setpriv", "--pdeathsig=TERM"),
        *(sys.executable, "-P", "-s", "-m", "hub_config.culler"),
        "--config=",
        "--cull-every=120",
        "--ssl-enabled=true",
        f"--internal-certs-location={paths.internal_certificates}",
    ]


def test_no_culler_where_culling_is_off(tmp_path: Path) -> None:
    site = site_of(culling={"enabled": False})
    c = Config()
    write_tokens(Paths(tmp_path))
    update_services(c, site, Paths(tmp_path))
    assert CULLER not in [service["name"] for service in c.JupyterHub.services]
    assert CULLER not in [r["name"] for r in roles(site)]


def test_the_culler_takes_its_options() -> None:
    from jupyterhub_idle_culler import IdleCuller

    app = IdleCuller()
    app.parse_command_line(culler(site_of(), PATHS)["command"][7:])
    assert app.config_file == ""
    assert app.ssl_enabled
    assert app.cull_every == 60
    assert app.internal_certs_location == "/srv/campus/var/hub/certificates"
