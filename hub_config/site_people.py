"""The part of the site file that says who may come in: how people sign in, and what they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from campus_base.manifest import Line, Many, Part
from hub_config.site_types import AbsolutePath, CourseName, Endpoint, Group, Scope, SlurmName, UnixName

Role = Literal["trainee", "instructor", "startup", "operator"]


class DemoAuthentication(Part):
    method: Literal["demo"]
    """Local accounts with passwords made at the first start. Serves this machine alone."""


class PamAuthentication(Part):
    method: Literal["pam"]
    """The machine's own accounts and passwords."""
    service: SlurmName = "login"
    """PAM service, a file in /etc/pam.d."""


class OidcAuthentication(Part):
    method: Literal["oidc"]
    """An OpenID Connect provider, such as Keycloak, MyAccessID or LuxTrust."""
    client_id: Line = Field(min_length=1, max_length=200)
    """Client identifier that the provider gave for this Campus."""
    client_secret_file: AbsolutePath
    """File that holds the client secret; readable by root only."""
    authorize_url: Endpoint
    """The provider's authorization endpoint."""
    token_url: Endpoint
    """The provider's token endpoint."""
    userinfo_url: Endpoint
    """The provider's userinfo endpoint."""
    scopes: Many[Scope] = Field(default=("openid", "profile", "email", "groups"), min_length=1)
    """Scopes to ask the provider for."""
    username_claim: Line = Field(default="preferred_username", min_length=1, max_length=100)
    """Claim that holds the person's Unix account name."""
    groups_claim: Line = Field(default="groups", min_length=1, max_length=100)
    """Claim that lists the person's groups."""
    login_service: Line = Field(default="your organisation", min_length=1, max_length=60)
    """Named on the sign-in button."""
    ca_file: AbsolutePath | None = None
    """Certificate authority to trust for the provider, where it is not a public one."""


Authentication = Annotated[DemoAuthentication | PamAuthentication | OidcAuthentication, Field(discriminator="method")]


def _check_course(role: Role, course: str | None) -> None:
    if role == "instructor" and course is None:
        raise ValueError("must name the course that this instructor teaches; add course")
    if role not in ("instructor", "trainee") and course is not None:
        raise ValueError(f"must name no course, because a {role} is in none; remove course")


class AccessRule(Part):
    """One line of who may come in, and as what. Nobody comes in whom no rule names."""

    role: Role
    """What these people are: trainee, instructor (of a course), startup or operator."""
    group: Group | None = None
    """Everyone whom the provider (or, with PAM, the machine) puts in this group."""
    user: UnixName | None = None
    """One person, by account name."""
    course: CourseName | None = None
    """The course that these people teach (role instructor, required) or take (role trainee)."""

    @model_validator(mode="after")
    def _one_subject(self) -> AccessRule:
        if (self.group is None) == (self.user is None):
            raise ValueError("must name a group or a user, one of the two")
        _check_course(self.role, self.course)
        return self


class Account(Part):
    """A demo account: made as a Unix account of this machine by ``up``."""

    name: UnixName
    """Account name, of Unix and of Campus."""
    role: Role
    """What this person is."""
    course: CourseName | None = None
    """The course that this person teaches (role instructor, required) or takes (role trainee)."""

    @model_validator(mode="after")
    def _fits_role(self) -> Account:
        _check_course(self.role, self.course)
        return self
