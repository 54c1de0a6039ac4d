"""How people sign in. Whatever the method, the access rules decide who comes in and as what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from secrets import compare_digest
from typing import Any

from jupyterhub.apihandlers.users import ActivityAPIHandler
from jupyterhub.auth import PAMAuthenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets import Any as AnyTrait
from traitlets import HasTraits, Set, Unicode

from extensions.courses.names import is_grader
from hub_config.access import campus_groups, claim_values, unix_groups, unix_name
from hub_config.accounts import DEMO_PASSWORD, OPERATOR_PASSWORD
from hub_config.paths import Paths
from hub_config.secret_file import read_secret
from hub_config.site import DemoAuthentication, OidcAuthentication, PamAuthentication, Site

REFRESH_SECONDS = 300
_OPERATOR_PASSWORD_LENGTH = 32
_NOT_ALLOWED = "You signed in, but nobody has given you a place here yet. Ask an operator for one."


class ByRules(HasTraits):
    """Mixed into an authenticator: groups come from the access rules, and nobody comes in without one."""

    # "allow" in the tag tells JupyterHub that somebody can come in; it warns otherwise.
    rules = AnyTrait((), help="The site's access rules (AccessRule).").tag(config=True, allow_config=True)

    def check_allowed(self, username: str, auth_model: dict[str, Any] | None = None) -> bool:
        """Raises HTTPError 403, in a sentence, for a person whom no rule names."""
        if not (auth_model and auth_model.get("groups")):
            raise HTTPError(403, _NOT_ALLOWED)
        return True

    def ruled(self, name: str, provider_groups: list[str]) -> dict[str, Any]:
        """The auth model with Campus's groups; JupyterHub's admin flag is nobody's."""
        return {
            "name": name,
            "groups": sorted(campus_groups(self.rules, name, provider_groups)),
            "admin": False,
        }

    async def look_again(self, user: Any, handler: Any) -> dict[str, Any] | bool:
        """The auth model as of now, True for no news, False when the person must sign in again."""
        raise NotImplementedError

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> dict[str, Any] | bool:
        """JupyterHub's hook, every REFRESH_SECONDS and before a session starts.

        False refuses a token, and sends a browser to sign in again; whom no rule names is refused there.
        """
        if is_grader(user.name):
            # Nobody signs in as it, so there is nobody to ask about it; who may use it is a matter of roles.
            return True
        model = await self.look_again(user, handler)
        if isinstance(model, dict) and not model["groups"]:
            # Here and not at the next sign-in, which may never come: tokens carry a person's roles.
            user.sync_groups([])
            model = False
        # Read by JupyterHub right after this returns (handlers/base.py, refresh_auth), with no await between.
        # A session may still report that it is at work: refused, it would look idle and be culled.
        self.auth_refresh_strict = not isinstance(handler, ActivityAPIHandler)
        return model


class DemoAuthenticator(ByRules, SharedPasswordAuthenticator):
    """One password for everybody, another for operators; for a machine of one's own."""

    # Not admin_users and admin_password: JupyterHub makes whoever stands there its admin at every start.
    operators = Set(Unicode(), help="Accounts that need the operators' password.").tag(config=True)
    operator_password = Unicode(help="The operators' password.").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The auth model, None for a wrong password."""
        name = self.normalize_username(data.get("username", ""))
        right = self.operator_password if name in self.operators else self.user_password
        # As bytes: compare_digest raises on strings that are not ASCII.
        if not right or not compare_digest(data.get("password", "").encode(), right.encode()):
            return None
        return self.ruled(name, [])

    async def look_again(self, user: Any, handler: Any) -> dict[str, Any] | bool:
        return self.ruled(user.name, [])


class MachineAuthenticator(ByRules, PAMAuthenticator):
    """The machine's own accounts; provider groups are the account's Unix groups."""

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The auth model, None for a wrong password. Raises HTTPError 403 for what is no account name."""
        # Before PAM sees it: JupyterHub would make it lower case after, and two accounts might become one.
        name = unix_name(self.normalize_username(data.get("username", "")))
        if not await super().authenticate(handler, {"password": "", **data, "username": name}):
            return None
        return await self._as_of_now(name)

    async def look_again(self, user: Any, handler: Any) -> dict[str, Any] | bool:
        return await self._as_of_now(user.name)

    async def _as_of_now(self, name: str) -> dict[str, Any]:
        # In a thread: accounts may lie in a directory service that is slow.
        return self.ruled(name, await asyncio.to_thread(unix_groups, name))


class OidcAuthenticator(ByRules, GenericOAuthenticator):
    """An OpenID Connect provider. Rules apply at sign-in and at every refresh."""

    groups_claim = Unicode("groups", help="Claim that lists a person's groups.").tag(config=True)

    def user_info_to_username(self, user_info: Any) -> str:
        """The claim as it stands. Raises HTTPError 403: made to fit, two people might become one."""
        return unix_name(user_info.get(self.username_claim) if isinstance(user_info, dict) else None)

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        claims = auth_state[self.user_auth_state_key]
        theirs = claim_values(claims.get(self.groups_claim))
        return campus_groups(self.rules, self.user_info_to_username(claims), theirs)

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        return auth_model | {"admin": False}

    async def look_again(self, user: Any, handler: Any) -> dict[str, Any] | bool:
        try:
            # Of the library's classes, past this one: ByRules.refresh_user is what calls here.
            model = await GenericOAuthenticator.refresh_user(self, user, handler)
        except HTTPError:
            return False
        except (HTTPClientError, OSError, ValueError) as error:
            # A provider that is down has not said no; people go on with what it said last.
            self.log.warning("The sign-in provider does not answer, %s stays signed in: %s", user.name, error)
            return True
        # Whoever was renamed there is somebody else here: the rules for the new name are not for this user.
        return False if isinstance(model, dict) and model["name"] != user.name else model


def update_authentication(c, site: Site, paths: Paths) -> None:
    """Set how people sign in. Raises CampusError for a secret that is missing or too short."""
    c.Authenticator.manage_groups = True
    c.Authenticator.allow_all = False
    c.Authenticator.allow_existing_users = False
    c.Authenticator.auth_refresh_age = REFRESH_SECONDS
    c.Authenticator.refresh_pre_spawn = True
    match site.authentication:
        case DemoAuthentication():
            _demo(c, site, paths)
        case PamAuthentication() as pam:
            c.JupyterHub.authenticator_class = MachineAuthenticator
            c.MachineAuthenticator.rules = site.rules()
            c.MachineAuthenticator.service = pam.service
        case OidcAuthentication() as oidc:
            _oidc(c, site, paths, oidc)


def _demo(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.authenticator_class = DemoAuthenticator
    c.DemoAuthenticator.rules = site.rules()
    c.DemoAuthenticator.user_password = _made_by_up(paths.secret(DEMO_PASSWORD))
    c.DemoAuthenticator.operator_password = _made_by_up(paths.secret(OPERATOR_PASSWORD), _OPERATOR_PASSWORD_LENGTH)
    c.DemoAuthenticator.operators = {a.name for a in site.accounts if a.role == "operator"}


def _oidc(c, site: Site, paths: Paths, oidc: OidcAuthentication) -> None:
    c.JupyterHub.authenticator_class = OidcAuthenticator
    o = c.OidcAuthenticator
    o.rules = site.rules()
    o.client_id = oidc.client_id
    o.client_secret = read_secret(
        oidc.client_secret_file,
        "Write the client secret that the provider gave there, or correct authentication.client_secret_file.",
    )
    o.oauth_callback_url = f"{site.addresses.public_url}/hub/oauth_callback"
    o.authorize_url = oidc.authorize_url
    o.token_url = oidc.token_url
    o.userdata_url = oidc.userinfo_url
    o.scope = list(oidc.scopes)
    o.username_claim = oidc.username_claim
    o.groups_claim = oidc.groups_claim
    o.login_service = oidc.login_service
    o.enable_pkce = True
    # The provider's tokens are kept, encrypted, because a refresh asks the provider with them.
    o.enable_auth_state = True
    if oidc.ca_file:
        o.http_request_kwargs = {"ca_certs": str(oidc.ca_file)}
    c.CryptKeeper.keys = [_made_by_up(paths.secret("crypt-key"))]


def _made_by_up(path: Path, least: int = 1) -> str:
    return read_secret(path, f"Remove {path} and run ./campus up, which makes a new one.", least)
