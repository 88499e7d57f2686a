# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticate logins (middleware plugins/auth.py and account.py)."""

from __future__ import annotations

import asyncio
import errno as errnos
import random
import typing as t
from dataclasses import dataclass

from tests.simulator.accounts import EXPIRED, REVOKED, Account, ApiKey, Login
from tests.simulator.errors import CallError, GenericError
from tests.simulator.scram import ClientFirst, Exchange, ScramRefused

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Accounts, Token
    from tests.simulator.options import Options
    from tests.simulator.releases import Release
    from tests.simulator.stats import Stats

Response = dict[str, t.Any]

AUTH_ERR: Response = {"response_type": "AUTH_ERR"}
DENIED: Response = {"response_type": "DENIED"}
EXPIRED_RESPONSE: Response = {"response_type": "EXPIRED"}
INSECURE = "Attempt to use over an insecure transport"


@dataclass
class PendingOtp:
    account: Account
    attempts: int = 0


@dataclass
class PendingScram:
    account: Account
    key: ApiKey
    exchange: Exchange


@dataclass
class Peer:
    """The other end of one connection, and how far its login is."""

    remote: str
    tls: bool
    secure: bool
    """An API key may be sent: TLS, or loopback."""
    login: Login | None = None
    otp: PendingOtp | None = None
    scram: PendingScram | None = None


class Authenticator:
    """Every way to log in. A wrong secret is an answer, not an error."""

    def __init__(
        self, accounts: Accounts, *, release: Release, options: Options, stats: Stats, channel_binding: bytes
    ) -> None:
        self._accounts = accounts
        self._release = release
        self._stall = options.login_failure_stall
        self._stats = stats
        self._channel_binding = channel_binding

    async def login_ex(self, peer: Peer, data: dict[str, t.Any]) -> Response:
        """`auth.login_ex` with arguments already checked. Raises `CallError` where TrueNAS answers with an error."""
        if self._accounts.standby_urls:
            return {"response_type": "REDIRECT", "urls": list(self._accounts.standby_urls)}
        mechanism = data["mechanism"]
        self._check_supported(mechanism)
        if mechanism == "OTP_TOKEN":
            return await self._second_factor(peer, data)
        # any other attempt abandons a second factor that is still owed
        peer.otp = None
        match mechanism:
            case "API_KEY_PLAIN":
                response = self._api_key(peer, data["username"], data["api_key"])
            case "PASSWORD_PLAIN":
                response = self._password(peer, data["username"], data["password"])
            case "TOKEN_PLAIN":
                response = self._token(peer, data["token"])
            case _:
                response = self._scram(peer, data["scram_type"], data["rfc_str"])
        return await self._answered(response)

    async def login_with_api_key(self, peer: Peer, text: str) -> bool:
        """Return false for every failure, so that the caller does not learn the reason."""
        self._check_supported("API_KEY_PLAIN")
        found = self._accounts.key(text)
        response = AUTH_ERR if found is None else self._api_key(peer, found[0].username, text)
        return _succeeded(await self._answered(response))

    async def login_with_token(self, peer: Peer, text: str) -> bool:
        self._check_supported("TOKEN_PLAIN")
        return _succeeded(await self._answered(self._token(peer, text)))

    async def login_with_password(self, peer: Peer, username: str, password: str, otp: str | None) -> bool:
        response = self._password(peer, username, password)
        if response["response_type"] == "OTP_REQUIRED" and peer.otp is not None:
            account, peer.otp = peer.otp.account, None
            response = self._accept(peer, Login(account, "LOGIN_PASSWORD")) if otp == account.otp else AUTH_ERR
        return _succeeded(await self._answered(response))

    def bearer(self, text: str) -> Login | None:
        """`Authorization: Bearer` of an upload: no transport check on 25.x, no session."""
        found = self._accounts.key(text)
        if found is None or found[1].text != text or found[1].state in (REVOKED, EXPIRED):
            return None
        return Login(found[0], "API_KEY", api_key=found[1])

    def basic(self, username: str, password: str) -> Login | None:
        """`Authorization: Basic` of an upload."""
        account = self._accounts.account(username)
        if account is None or account.password != password or account.expired:
            return None
        return Login(account, "LOGIN_PASSWORD")

    def bearer_token(self, text: str, remote: str) -> Login | None:
        """`Authorization: Token` of an upload."""
        token = self.token(text, remote)
        if token is None:
            return None
        self.spend(token)
        return Login(token.account, "TOKEN", token=token)

    def token(self, text: str, remote: str) -> Token | None:
        """One that is good for a login from there."""
        token = self._accounts.token(text)
        if token is None or token.attributes or not token.usable_from(remote):
            return None
        return token

    def spend(self, token: Token) -> None:
        if token.single_use:
            self._accounts.destroy_token(token)

    def logout(self, peer: Peer) -> None:
        """Also what the end of a connection does: a token used by the session is gone with it."""
        login, peer.login = peer.login, None
        if login is None:
            return
        login.closed = True
        if login.token is not None:
            self._accounts.destroy_token(login.token)

    def notice_message(self, peer: Peer) -> None:
        """Every message keeps the session's token alive; one that comes too late finds the session logged out."""
        if peer.login is None or peer.login.token is None:
            return
        if peer.login.token.expired:
            self.logout(peer)
        else:
            peer.login.token.touch()

    def new_token(
        self, peer: Peer, *, ttl: int | None, attrs: dict[str, t.Any], match_origin: bool, single_use: bool
    ) -> str:
        if peer.login is None:
            raise CallError("Not authenticated", errnos.EACCES)
        return self._accounts.add_token(
            peer.login.account,
            ttl=600 if ttl is None else ttl,
            attributes=attrs,
            remote=peer.remote if match_origin else None,
            single_use=single_use,
        ).text

    def _api_key(self, peer: Peer, username: str, text: str) -> Response:
        found = self._accounts.key(text)
        if found is None:
            return AUTH_ERR
        account, key = found
        if account.username != username or key.text != text or key.state == REVOKED:
            return AUTH_ERR
        if not peer.secure:
            # a login that sends the key unencrypted is the last one: the key is revoked, and the reply is EXPIRED once
            key.revoke(INSECURE)
            return EXPIRED_RESPONSE
        if key.state == EXPIRED:
            return EXPIRED_RESPONSE
        return self._accept(peer, Login(account, "API_KEY", api_key=key))

    def _password(self, peer: Peer, username: str, password: str) -> Response:
        account = self._accounts.account(username)
        if account is None or account.password is None or account.password != password:
            return AUTH_ERR
        if account.otp is not None and not account.expired:
            peer.otp = PendingOtp(account)
            return {"response_type": "OTP_REQUIRED", "username": username}
        return self._accept(peer, Login(account, "LOGIN_PASSWORD"))

    def _token(self, peer: Peer, text: str) -> Response:
        token = self.token(text, peer.remote)
        if token is None:
            return AUTH_ERR
        return self._accept(peer, Login(token.account, "TOKEN", token=token))

    async def _second_factor(self, peer: Peer, data: dict[str, t.Any]) -> Response:
        pending = peer.otp
        if pending is None:
            raise CallError("OTP_TOKEN: no authentication in progress", errnos.EINVAL)
        if data["otp_token"] == pending.account.otp:
            peer.otp = None
            return self._accept(peer, Login(pending.account, "LOGIN_TWOFACTOR"))
        pending.attempts += 1
        if pending.attempts < self._release.otp_attempts:
            return {"response_type": "OTP_REQUIRED", "username": pending.account.username}
        peer.otp = None
        return await self._answered(AUTH_ERR)

    def _scram(self, peer: Peer, scram_type: str, text: str) -> Response:
        """All that goes wrong is AUTH_ERR, an expired or revoked key too."""
        try:
            if scram_type == "CLIENT_FIRST_MESSAGE":
                return self._scram_first(peer, text)
            return self._scram_final(peer, text)
        except ScramRefused:
            return AUTH_ERR

    def _scram_first(self, peer: Peer, text: str) -> Response:
        peer.scram = None
        first = ClientFirst.parse(text)
        if first.binds_channel and not peer.tls:
            raise ScramRefused("channel binding needs TLS")
        found = self._accounts.key_by_id(first.key_id)
        if found is None or found[0].username != first.username or found[1].state in (REVOKED, EXPIRED):
            raise ScramRefused("no such key")
        account, key = found
        exchange = Exchange(first, self._accounts.scram_keys(key), channel=self._channel_binding)
        peer.scram = PendingScram(account, key, exchange)
        return _scram_response("SERVER_FIRST_RESPONSE", exchange.server_first, None)

    def _scram_final(self, peer: Peer, text: str) -> Response:
        pending, peer.scram = peer.scram, None
        if pending is None:
            raise GenericError("pam handle was not initialized")
        signature = pending.exchange.server_final(text)
        response = self._accept(peer, Login(pending.account, "API_KEY", api_key=pending.key))
        if not _succeeded(response):
            return AUTH_ERR
        return _scram_response("SERVER_FINAL_RESPONSE", signature, None)

    def _accept(self, peer: Peer, login: Login) -> Response:
        """The secret was right; the account may still not be let in."""
        account = login.account
        if account.expired:
            return EXPIRED_RESPONSE
        if not account.privileged:
            return DENIED if self._release.denies else AUTH_ERR
        if account.session_refusal is not None:
            raise CallError(f"Login with credentials failed: {account.session_refusal}", errnos.EFAULT)
        self.logout(peer)
        if login.token is not None:
            self.spend(login.token)
        peer.login = login
        self._stats.logins += 1
        return {"response_type": "SUCCESS", "user_info": None, "authenticator": "LEVEL_1"}

    async def _answered(self, response: Response) -> Response:
        if response["response_type"] == "AUTH_ERR":
            await asyncio.sleep(random.uniform(*self._stall))
        return dict(response)

    def _check_supported(self, mechanism: str) -> None:
        if mechanism in self._accounts.unsupported_mechanisms:
            raise CallError(
                f"{mechanism}: mechanism is not supported at current authenticator level.", errnos.EOPNOTSUPP
            )


def _succeeded(response: Response) -> bool:
    return bool(response["response_type"] == "SUCCESS")


def _scram_response(kind: str, text: str, user_info: dict[str, t.Any] | None) -> Response:
    return {"response_type": "SCRAM_RESPONSE", "scram_type": kind, "rfc_str": text, "user_info": user_info}
