# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`auth.*`: log in and out, and return the current account."""

from __future__ import annotations

import typing as t

from tests.simulator.accounts import FULL_ADMIN, Account
from tests.simulator.auth import Authenticator
from tests.simulator.errors import GenericError
from tests.simulator.models import auth as models
from tests.simulator.models.base import Nothing, accept
from tests.simulator.registry import Context, Handler, method
from tests.simulator.releases import SINCE_GOLDEYE

MECHANISMS = ["API_KEY_PLAIN", "TOKEN_PLAIN", "PASSWORD_PLAIN"]


def login_ex(*, tagged: bool) -> Handler:
    """The releases differ in what they say of wrong arguments."""

    async def login_ex(context: Context, *arguments: t.Any) -> dict[str, t.Any]:
        simulator = context.simulator
        reconnect = context.release.reconnect_tokens
        model = models.login_ex_model(tagged=tagged, scram=simulator.offers_scram, reconnect=reconnect)
        [data] = accept(model, arguments)
        fault = simulator.faults.take("login_response", "auth.login_ex")
        if fault is not None:
            return dict(fault.details["response"])
        response = await _authenticator(context).login_ex(context.connection.peer, data)
        options = data.get("login_options", {"user_info": True})
        if reconnect and response["response_type"] == "SUCCESS":
            response["reconnect_token"] = _reconnect_token(context) if options["reconnect_token"] else None
        return _with_user_info(context, response, wanted=options["user_info"])

    return login_ex


method("auth.login_ex", releases=["25.04"], login=False)(login_ex(tagged=False))
method("auth.login_ex", releases=SINCE_GOLDEYE, login=False)(login_ex(tagged=True))


@method("auth.login_ex_continue", login=False, model=models.LoginContinue)
async def login_ex_continue(context: Context, data: dict[str, t.Any]) -> dict[str, t.Any]:
    response = await _authenticator(context).login_ex(context.connection.peer, data)
    return _with_user_info(context, response, wanted=data["login_options"]["user_info"])


@method("auth.login", login=False, model=models.Login)
async def login(context: Context, username: str, password: str, otp_token: str | None) -> bool:
    return await _authenticator(context).login_with_password(context.connection.peer, username, password, otp_token)


@method("auth.login_with_api_key", login=False, model=models.LoginWithApiKey)
async def login_with_api_key(context: Context, api_key: str) -> bool:
    return await _authenticator(context).login_with_api_key(context.connection.peer, api_key)


@method("auth.login_with_token", login=False, model=models.LoginWithToken)
async def login_with_token(context: Context, token: str) -> bool:
    return await _authenticator(context).login_with_token(context.connection.peer, token)


@method("auth.mechanism_choices", login=False, model=Nothing)
def mechanism_choices(context: Context) -> list[str]:
    """25.x asks the credentials of a connection that has none yet."""
    if context.simulator.offers_scram:
        return [*MECHANISMS, "SCRAM"]
    if context.login is None:
        raise GenericError("'NoneType' object has no attribute 'may_create_auth_token'", "AttributeError")
    return MECHANISMS


@method("auth.generate_token", role_needed=False, model=models.GenerateToken)
def generate_token(
    context: Context, ttl: int | None, attrs: dict[str, t.Any], match_origin: bool, single_use: bool
) -> str:
    return _authenticator(context).new_token(
        context.connection.peer, ttl=ttl, attrs=attrs, match_origin=match_origin, single_use=single_use
    )


@method("auth.logout", role_needed=False, model=Nothing)
def logout(context: Context) -> bool:
    _authenticator(context).logout(context.connection.peer)
    return True


@method("auth.me", role_needed=False, model=Nothing)
def me(context: Context) -> dict[str, t.Any]:
    return user_info(context.caller.account, kind=context.caller.type)


def user_info(account: Account, *, kind: str) -> dict[str, t.Any]:
    roles = account.effective_roles()
    full_admin = FULL_ADMIN in roles
    attributes = ["LOCAL"]
    attributes += ["API_KEY"] if kind == "API_KEY" else []
    attributes += ["SYS_ADMIN"] if full_admin else []
    return {
        "pw_name": account.username,
        "pw_gecos": account.username,
        "pw_dir": f"/home/{account.username}",
        "pw_shell": "/usr/bin/zsh",
        "pw_uid": account.uid,
        "pw_gid": account.uid,
        "grouplist": [account.uid],
        "sid": None,
        "source": "LOCAL",
        "local": True,
        "attributes": {},
        "two_factor_config": {
            "provisioning_uri": None,
            "secret_configured": account.otp is not None,
            "interval": 30,
            "otp_digits": 6,
        },
        "privilege": {
            "roles": roles,
            "allowlist": [{"method": "*", "resource": "*"}] if full_admin else [],
            "web_shell": account.web_shell,
            "webui_access": full_admin,
        },
        "account_attributes": attributes,
    }


def _authenticator(context: Context) -> Authenticator:
    found: Authenticator = context.simulator.authenticator
    return found


def _reconnect_token(context: Context) -> str:
    """Good once, from the same address."""
    peer = context.connection.peer
    return _authenticator(context).new_token(peer, ttl=None, attrs={}, match_origin=True, single_use=True)


def _with_user_info(context: Context, response: dict[str, t.Any], *, wanted: bool) -> dict[str, t.Any]:
    """Return the account only in the reply that completes a login."""
    login = context.connection.peer.login
    ended = response["response_type"] == "SUCCESS" or response.get("scram_type") == "SERVER_FINAL_RESPONSE"
    if ended and wanted and login is not None:
        response["user_info"] = user_info(login.account, kind=login.type)
    return response
