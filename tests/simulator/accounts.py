# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of the simulated NAS: credentials, roles and privileges."""

from __future__ import annotations

import datetime
import functools
import itertools
import secrets
import string
import time
import typing as t
import uuid
from dataclasses import dataclass, field

from tests.simulator.registry import REGISTRY
from tests.simulator.scram import ScramKeys

if t.TYPE_CHECKING:
    from tests.simulator.releases import Release

FULL_ADMIN = "FULL_ADMIN"
READONLY_ADMIN = "READONLY_ADMIN"
KEY_ALPHABET = string.ascii_letters + string.digits
FIRST_UID = 3000

VALID, EXPIRED, REVOKED = "valid", "expired", "revoked"


UNUSED: list[str] = []
"""Secrets of simulators of this process that have been closed: to derive keys from a new one takes a moment."""


def random_text(length: int) -> str:
    return "".join(secrets.choice(KEY_ALPHABET) for _character in range(length))


@functools.cache
def derived(secret: str, iterations: int) -> ScramKeys:
    return ScramKeys.derive(secret, salt=random_text(16).encode(), iterations=iterations)


@dataclass
class ApiKey:
    id: int
    name: str
    secret: str
    state: str = VALID
    revoked_reason: str | None = None
    scram: ScramKeys | None = None

    @property
    def text(self) -> str:
        """What a user is given."""
        return f"{self.id}-{self.secret}"

    def expire(self) -> None:
        self.state = EXPIRED

    def revoke(self, reason: str | None = None) -> None:
        self.state = REVOKED
        self.revoked_reason = reason


@dataclass
class Account:
    """Set its fields from a test to make its logins end in another way."""

    username: str
    uid: int
    roles: frozenset[str]
    password: str | None = None
    web_shell: bool = False
    """Its privilege allows shells."""
    sudo: bool = False
    """It may run every command with sudo; without, its shells begin with a warning."""
    incus_admin: bool = True
    """It may talk to Incus without sudo."""
    otp: str | None = None
    """The second factor that will be accepted; None is no second factor."""
    expired: bool = False
    privileged: bool = True
    """False: right credentials, but no group with a privilege."""
    session_refusal: str | None = None
    """Why PAM opens no session, for example a limit."""
    removed_roles: set[str] = field(default_factory=set)
    keys: list[ApiKey] = field(default_factory=list)

    def effective_roles(self) -> frozenset[str]:
        """With everything they include, without what was taken away."""
        roles = included(self.roles)
        if not self.removed_roles:
            return roles
        return (known_roles() if FULL_ADMIN in roles else roles) - self.removed_roles - {FULL_ADMIN}


@dataclass
class Login:
    """One successful login of one connection."""

    account: Account
    type: str
    api_key: ApiKey | None = None
    token: Token | None = None
    closed: bool = False
    login_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    login_at: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(tz=datetime.UTC))

    @property
    def username(self) -> str:
        return self.account.username

    @property
    def roles(self) -> frozenset[str]:
        return self.account.effective_roles()

    @property
    def full_admin(self) -> bool:
        return FULL_ADMIN in self.roles

    def as_row(self, release: Release) -> dict[str, t.Any]:
        data: dict[str, t.Any] = {"username": self.username, "login_at": self.login_at}
        if release.message_ids:
            data["login_id"] = self.login_id
        if self.api_key is not None:
            data["api_key"] = {"id": self.api_key.id, "name": self.api_key.name}
        return {"type": self.type, "data": data}


@dataclass
class Token:
    """What `auth.generate_token` makes; `ttl` is seconds without use."""

    text: str
    account: Account
    ttl: float
    attributes: dict[str, t.Any]
    remote: str | None
    """The only address that may use it; None is any."""
    single_use: bool
    used_at: float = field(default_factory=time.monotonic)

    @property
    def expired(self) -> bool:
        return time.monotonic() - self.used_at > self.ttl

    def touch(self) -> None:
        self.used_at = time.monotonic()

    def usable_from(self, remote: str) -> bool:
        return not self.expired and self.remote in (None, remote)


class Accounts:
    """The users, their keys and their tokens."""

    def __init__(self, *, scram_iterations: int) -> None:
        self.standby_urls: list[str] = []
        """Not empty: this is the standby node of a pair, every `auth.login_ex` answers REDIRECT."""
        self.unsupported_mechanisms: set[str] = set()
        """What the authenticator level forbids (STIG mode: API_KEY_PLAIN and TOKEN_PLAIN)."""
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, Token] = {}
        self._key_ids = itertools.count(1)
        self._scram_iterations = scram_iterations
        self._used: list[str] = []

    def __iter__(self) -> t.Iterator[Account]:
        return iter(list(self._accounts.values()))

    def add(
        self,
        username: str,
        *,
        roles: t.Iterable[str] = (FULL_ADMIN,),
        password: str | None = None,
        web_shell: bool = False,
        sudo: bool = False,
    ) -> Account:
        uid = FIRST_UID + len(self._accounts)
        account = Account(username, uid, frozenset(roles), password, web_shell=web_shell, sudo=sudo)
        self._accounts[username] = account
        self.add_key(account)
        return account

    def add_key(self, account: Account) -> ApiKey:
        secret = UNUSED.pop() if UNUSED else random_text(64)
        self._used.append(secret)
        key = ApiKey(next(self._key_ids), f"key of {account.username}", secret)
        account.keys.append(key)
        return key

    def close(self) -> None:
        """Let the next simulator have the secrets of these keys. No two of them have the same one at a time."""
        UNUSED.extend(self._used)
        self._used.clear()

    def account(self, username: str) -> Account | None:
        return self._accounts.get(username)

    def key(self, text: str) -> tuple[Account, ApiKey] | None:
        """Whose key this is, the secret not yet compared."""
        number, _dash, _secret = text.partition("-")
        if not number.isdigit():
            return None
        return self.key_by_id(int(number))

    def key_by_id(self, id: int) -> tuple[Account, ApiKey] | None:
        for account in self:
            for key in account.keys:
                if key.id == id:
                    return account, key
        return None

    def scram_keys(self, key: ApiKey) -> ScramKeys:
        """Derived at the first login, since it takes a moment."""
        if key.scram is None:
            key.scram = derived(key.secret, self._scram_iterations)
        return key.scram

    def add_token(
        self, account: Account, *, ttl: float, attributes: dict[str, t.Any], remote: str | None, single_use: bool
    ) -> Token:
        token = Token(secrets.token_urlsafe(48), account, ttl, attributes, remote, single_use)
        self._tokens[token.text] = token
        return token

    def token(self, text: str) -> Token | None:
        return self._tokens.get(text)

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def destroy_token(self, token: Token) -> None:
        self._tokens.pop(token.text, None)


def known_roles() -> frozenset[str]:
    """Every role that a method of a release requires, and those that auth.me returns in addition."""
    named = {role for methods in REGISTRY.methods.values() for method in methods.values() for role in method.roles}
    return frozenset(named | {f"{role.removesuffix('_WRITE')}_READ" for role in named if role.endswith("_WRITE")})


INCLUDED = {"CONTAINER_DEVICE_WRITE": "CONTAINER_WRITE", "CONTAINER_DEVICE_READ": "CONTAINER_READ"}


def included(roles: t.Iterable[str]) -> frozenset[str]:
    """WRITE includes READ but not DELETE, devices their containers; READONLY_ADMIN is every READ."""
    granted = set(roles)
    granted |= {INCLUDED[role] for role in granted & INCLUDED.keys()}
    granted |= {f"{role.removesuffix('_WRITE')}_READ" for role in granted if role.endswith("_WRITE")}
    if READONLY_ADMIN in granted:
        granted |= {role for role in known_roles() if role.endswith("_READ")}
    return frozenset(granted)
