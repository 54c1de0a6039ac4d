"""From a site to a configured JupyterHub: what is set, that it exists, and that it is set and never added to."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper
from jupyterhub.proxy import ConfigurableHTTPProxy
from sqlalchemy import make_url
from traitlets.config import Config, LazyConfigValue, PyFileConfigLoader

from campus_base.errors import CampusError
from hub_config.auth import DemoAuthenticator, OidcAuthenticator
from hub_config.exchange import exchange_environment
from hub_config.home import home_environment
from hub_config.hub import PARTS, configure
from hub_config.installed import installed_site
from hub_config.network import proxy_command
from hub_config.pages import TEMPLATES
from hub_config.paths import Paths
from hub_config.routes import WatchedProxy
from hub_config.services import update_services
from hub_config.sessions import job_name, slurm_transport
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE
from hub_config.state import database_url
from spawners.api.sessions import shown
from spawners.spawner import CampusSpawner
from tests.support.tokens import write_tokens

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = LOCAL.with_name("example.toml")
ENTRY = CHECKOUT / "jupyterhub_config.py"
FILES = {"local": LOCAL, "example": EXAMPLE}
PASSWORD = "p@ss/w%rd:? ü"

both = pytest.mark.parametrize("which", FILES)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A prefix with everything that ``up`` makes before the hub starts."""
    found = Paths(tmp_path / "prefix")
    write_tokens(found)
    for name in ("crypt-key", "demo-password", "operator-password"):
        found.secret(name).write_text("ab" * 32 + "\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "oidc-client-secret").write_text("client-secret\n")
    (tmp_path / "secrets" / "database-password").write_text(PASSWORD + "\n")
    return found


def site_of(which: str, paths: Paths) -> Site:
    """One of the sites that come with Campus; the operator's own files lie beside the prefix."""
    return SITE_FILE.parse(FILES[which].read_text().replace("/etc/campus", str(paths.prefix.parent)), FILES[which])


def configured(which: str, paths: Paths) -> Any:
    c = Config()
    configure(c, site_of(which, paths), paths)
    return c


# ---------------------------------------------------------------- what is set


def test_the_embedded_site(paths: Paths) -> None:
    c = configured("local", paths)
    hub, spawner = c.JupyterHub, c.CampusSpawner
    assert (hub.bind_url, hub.public_url) == ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/")
    assert hub.hub_bind_url == "https://127.0.0.1:8081"
    assert hub.trusted_alt_names == ["IP:127.0.0.1"]
    assert hub.authenticator_class is DemoAuthenticator
    assert hub.db_url == f"sqlite:///{paths.hub_state}/jupyterhub.sqlite"
    assert [s["name"] for s in hub.services] == ["exchange", "home", "publisher", "idle-culler"]
    services = "http://127.0.0.1:8000/services"
    told = {"CAMPUS_EXCHANGE_URL": f"{services}/exchange/api/v1", "CAMPUS_HOME_URL": f"{services}/home/"}
    assert spawner.environment == {**told, "CAMPUS_KITS": str(paths.kit_repositories)}
    assert spawner.ip == "127.0.0.1"
    assert [(s.name, s.gpus, s.shards, s.memory_mib, s.seconds, s.max_seconds) for s in spawner.offer.sizes] == [
        ("cpu", 0, 0, 2048, 7200, 28800),
        ("slice", 0, 1, 3072, 7200, 28800),
        ("gpu1", 1, 0, 4096, 7200, 28800),
        ("gpu4", 4, 0, 8192, 3600, 14400),
    ]
    assert spawner.watch_settings.slurm.conf == str(paths.slurm_conf)
    assert spawner.watch_settings.job_name == job_name(site_of("local", paths))
    assert [(e.name, e.folder, e.image) for e in spawner.offer.environments] == [
        ("standard", str(paths.session_env), "")
    ]
    assert (spawner.start_timeout, spawner.poll_interval) == (86400, 5)
    assert "./campus status" in hub.template_vars["announcement_login"]


def test_the_production_site(paths: Paths) -> None:
    c = configured("example", paths)
    hub, spawner = c.JupyterHub, c.CampusSpawner
    assert (hub.bind_url, hub.public_url) == ("https://0.0.0.0:443/", "https://campus.example.org/")
    assert hub.hub_bind_url == "https://10.20.0.5:8081"
    assert hub.trusted_alt_names == ["IP:10.20.0.5"]
    assert hub.authenticator_class is OidcAuthenticator
    assert c.OidcAuthenticator.client_secret == "client-secret"
    assert c.OidcAuthenticator.oauth_callback_url == "https://campus.example.org/hub/oauth_callback"
    assert c.CryptKeeper["keys"] == ["ab" * 32]
    assert make_url(hub.db_url).host == "db.example.org"
    assert spawner.ip == "0.0.0.0"
    assert spawner.offer.sizes[0].account == "p200000"
    assert spawner.watch_settings.slurm.conf == ""
    assert spawner.offer.environments[0].folder == "/project/campus/session"
    assert spawner.start_timeout == 12 * 3600
    variables = dict(hub.template_vars)
    assert variables.pop("shown")(None) is shown, "JupyterHub calls it first"
    assert variables == {"site_name": "Campus", "campus_home": "/services/home/"}


@both
def test_what_holds_for_every_site(which: str, paths: Paths) -> None:
    c = configured(which, paths)
    hub = c.JupyterHub
    assert hub.internal_ssl is True
    assert Path(hub.internal_certs_location).is_absolute()
    # The proxy and the sessions go on without the hub.
    assert c.ConfigurableHTTPProxy.should_start is False
    assert hub.proxy_class is WatchedProxy
    assert hub.cleanup_servers is False
    assert hub.cleanup_proxy is False
    assert c.ConfigurableHTTPProxy.api_url == "https://127.0.0.1:8001"
    assert c.ConfigurableHTTPProxy.auth_token == "ab" * 32
    assert hub.concurrent_spawn_limit == 0
    assert hub.activity_resolution == 60
    assert hub.spawner_class is CampusSpawner
    assert c.CampusSpawner.port == 0
    assert c.CampusSpawner.env_keep == []
    assert hub.template_paths == [str(TEMPLATES)]
    assert Path(hub.logo_file).is_file()
    assert Path(hub.cookie_secret_file).is_relative_to(paths.prefix)


def test_a_session_stays_on_the_environment_that_the_link_names_now(paths: Paths) -> None:
    current = paths.environments / "session-1"
    current.mkdir(parents=True)
    paths.session_env.symlink_to(current)
    assert configured("local", paths).CampusSpawner.offer.environments[0].folder == str(current.resolve())


def test_two_hubs_on_one_cluster_have_jobs_of_different_names(paths: Paths) -> None:
    names = {job_name(site_of(which, paths)) for which in FILES}
    assert len(names) == 2
    assert all(name.startswith("campus-") for name in names)


def test_people_have_domains_of_their_own_where_the_site_says_so(paths: Paths) -> None:
    assert "--host-routing" not in proxy_command(site_of("local", paths), paths)
    text = '[addresses]\npublic_url = "http://campus.localhost:9000/x"\nown_domains = true\n\n[authentication]'
    site = SITE_FILE.parse(LOCAL.read_text().replace("[authentication]", text, 1), LOCAL)
    c: Any = Config()
    configure(c, site, paths)
    assert "--host-routing" in proxy_command(site, paths)
    assert c.JupyterHub.subdomain_host == "http://campus.localhost:9000"
    exchange = "http://exchange--service.campus.localhost:9000/x/services/exchange/"
    home = "http://home--service.campus.localhost:9000/x/services/home/"
    told_session = c.CampusSpawner.environment
    assert (told_session["CAMPUS_EXCHANGE_URL"], told_session["CAMPUS_HOME_URL"]) == (f"{exchange}api/v1", home)
    told = exchange_environment(site, paths)
    assert told["JUPYTERHUB_OAUTH_CALLBACK_URL"] == f"{exchange}oauth_callback"
    assert told["JUPYTERHUB_HOST"] == "http://campus.localhost:9000"
    assert c.JupyterHub.default_url == "http://home--service.campus.localhost:9000/x/services/home/"
    told = home_environment(site, paths)
    assert told["JUPYTERHUB_BASE_URL"] == "/x/"
    assert told["CAMPUS_EXCHANGE_URL"] == f"https://127.0.0.1:{site.addresses.exchange_port}/x/services/exchange/api/v1"


def test_an_address_with_a_path_is_kept_everywhere(paths: Paths) -> None:
    text = '[addresses]\npublic_url = "http://localhost:9000/campus/"\n\n[authentication]'
    site = SITE_FILE.parse(LOCAL.read_text().replace("[authentication]", text, 1), LOCAL)
    c: Any = Config()
    configure(c, site, paths)
    assert (c.JupyterHub.bind_url, c.JupyterHub.public_url) == (
        "http://127.0.0.1:9000/campus/",
        "http://localhost:9000/campus/",
    )
    assert "--error-target=https://127.0.0.1:8081/campus/hub/error" in proxy_command(site, paths)
    assert "--proxy-timeout=3600000" in proxy_command(site, paths)
    assert JupyterHub(config=c).base_url == "/campus/"


def test_a_cluster_with_a_slurm_conf_of_its_own(paths: Paths) -> None:
    site = site_of("example", paths)
    site = site.model_copy(update={"slurm": site.slurm.model_copy(update={"conf": Path("/etc/slurm/x.conf")})})
    assert slurm_transport(site, paths).conf == "/etc/slurm/x.conf"


# ---------------------------------------------------------------- the database


def test_the_database_password_comes_from_its_file(paths: Paths) -> None:
    url = make_url(database_url(site_of("example", paths), paths))
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "campus", PASSWORD)
    assert (url.host, url.database) == ("db.example.org", "campus")
    assert url.get_dialect().driver == "psycopg"


def test_a_database_without_its_password_file_is_an_error(paths: Paths) -> None:
    (paths.prefix.parent / "secrets" / "database-password").unlink()
    with pytest.raises(CampusError, match="database-password can't be read"):
        database_url(site_of("example", paths), paths)


# ---------------------------------------------------------------- set, existing and valid


def plain(c: Any) -> dict[str, dict[str, Any]]:
    return {section: dict(values) for section, values in c.items()}


@both
def test_applying_twice_changes_nothing(which: str, paths: Paths) -> None:
    c = configured(which, paths)
    once = copy.deepcopy(plain(c))
    configure(c, site_of(which, paths), paths)
    assert plain(c) == once


@both
def test_parts_set_values_and_leave_no_room_for_what_was_there(which: str, paths: Paths) -> None:
    wanted = plain(configured(which, paths))
    c: Any = Config()
    for section, values in wanted.items():
        for key, value in values.items():
            assert not isinstance(value, LazyConfigValue), f"c.{section}.{key} is added to, not set"
            c[section][key] = [{"left": "over"}] if isinstance(value, list) else {"left": "over"}
    configure(c, site_of(which, paths), paths)
    assert plain(c) == wanted


def classes_of(c: Any) -> list[Any]:
    return [
        JupyterHub,
        c.JupyterHub.get("proxy_class", ConfigurableHTTPProxy),
        CryptKeeper,
        c.JupyterHub.authenticator_class,
        c.JupyterHub.spawner_class,
    ]


@both
def test_every_setting_exists_and_takes_its_value(which: str, paths: Paths) -> None:
    c = configured(which, paths)
    settings = [(section, key, value) for section, values in c.items() for key, value in values.items()]
    assert len(settings) > 40
    for section, key, value in settings:
        # The class that is in use, or one that it inherits settings from.
        users = [u for u in classes_of(c) if section in (base.__name__ for base in u.__mro__)]
        assert users, f"c.{section} is no class that JupyterHub uses here"
        for user in users:
            trait = user.class_traits(config=True).get(key)
            assert trait is not None, f"c.{section}.{key} does not exist"
            holder = user.__new__(user)  # made, not initialised: a spawner would begin to watch
            trait._validate(holder, value)


@both
def test_jupyterhub_takes_the_configuration(which: str, paths: Paths) -> None:
    c = configured(which, paths)
    hub = JupyterHub(config=c)
    # It calls this http where it holds no certificate itself: the proxy does. Nothing but a log line reads the scheme.
    del c.JupyterHub["bind_url"]
    assert urlsplit(hub.bind_url)[1:] == urlsplit(configured(which, paths).JupyterHub.bind_url)[1:]
    for key, value in c.JupyterHub.items():
        assert getattr(hub, key) == value, key


def test_each_part_is_applied_once_and_in_a_fixed_order() -> None:
    assert [part.__name__ for part in PARTS] == [
        "update_memory",
        "update_network",
        "update_state",
        "update_authentication",
        "update_roles",
        "update_sessions",
        "update_services",
        "update_pages",
    ]


def test_a_service_that_is_switched_off_is_switched_off(paths: Paths) -> None:
    site = site_of("local", paths)
    c = configured("local", paths)
    update_services(c, site.model_copy(update={"culling": site.culling.model_copy(update={"enabled": False})}), paths)
    assert [service["name"] for service in c.JupyterHub.services] == ["exchange", "home", "publisher"]


# ---------------------------------------------------------------- the entry


def test_the_entry_is_short() -> None:
    assert len(ENTRY.read_text().splitlines()) < 20


def test_the_entry_configures_the_installation(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_PREFIX", str(paths.prefix))
    loaded = PyFileConfigLoader(ENTRY.name, path=str(ENTRY.parent)).load_config()
    assert plain(loaded) == plain(configured("local", paths))


def test_an_installation_has_its_own_site_or_the_embedded_one(paths: Paths) -> None:
    assert installed_site(paths).name == "Campus"
    paths.site_file.write_text(LOCAL.read_text().replace('name = "Campus"', 'name = "Ours"', 1))
    assert installed_site(paths).name == "Ours"
