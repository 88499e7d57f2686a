# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of `auth.*`."""

from __future__ import annotations

import functools
import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty


class LoginOptions(Model):
    user_info: bool = True


class NewLoginOptions(LoginOptions):
    """TrueNAS 26."""

    reconnect_token: bool = False


class AuthApiKeyPlain(Model):
    mechanism: t.Literal["API_KEY_PLAIN"]
    username: str
    api_key: NonEmpty
    login_options: LoginOptions = LoginOptions()


class AuthPasswordPlain(Model):
    mechanism: t.Literal["PASSWORD_PLAIN"]
    username: str
    password: NonEmpty
    login_options: LoginOptions = LoginOptions()


class AuthTokenPlain(Model):
    mechanism: t.Literal["TOKEN_PLAIN"]
    token: NonEmpty
    login_options: LoginOptions = LoginOptions()


class AuthOTPToken(Model):
    mechanism: t.Literal["OTP_TOKEN"]
    otp_token: NonEmpty
    login_options: LoginOptions = LoginOptions()


class AuthScram(Model):
    """TrueNAS 26: no login options."""

    mechanism: t.Literal["SCRAM"]
    scram_type: t.Literal["CLIENT_FIRST_MESSAGE", "CLIENT_FINAL_MESSAGE"]
    rfc_str: NonEmpty


PLAIN_ARMS = (AuthApiKeyPlain, AuthPasswordPlain, AuthTokenPlain, AuthOTPToken)


class LoginContinue(Model):
    login_data: AuthOTPToken


class Login(Model):
    username: str
    password: str
    otp_token: str | None = None


class LoginWithApiKey(Model):
    api_key: str


class LoginWithToken(Model):
    token: str


class GenerateToken(Model):
    ttl: int | None = 600
    attrs: dict[str, t.Any] = {}
    match_origin: bool = True
    single_use: bool = False


def newer(arm: type[Model]) -> type[Model]:
    return pydantic.create_model(arm.__name__, __base__=arm, login_options=(NewLoginOptions, NewLoginOptions()))


@functools.cache
def login_ex_model(*, tagged: bool, scram: bool, reconnect: bool = False) -> type[Model]:
    """25.04 lists what is wrong with every arm of the union; later releases look at `mechanism` first."""
    plain = tuple(newer(arm) for arm in PLAIN_ARMS) if reconnect else PLAIN_ARMS
    arms: t.Any = t.Union[(*plain, AuthScram) if scram else plain]
    if tagged:
        arms = t.Annotated[arms, pydantic.Field(discriminator="mechanism")]
    return pydantic.create_model("AuthLoginExArgs", __base__=Model, login_data=(arms, ...))
