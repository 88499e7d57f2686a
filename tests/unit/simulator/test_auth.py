# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the replies to logins."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import time

import pytest

from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Message, Talk


def key_login(simulator: RunningSimulator, **changes: str) -> Message:
    return {"mechanism": "API_KEY_PLAIN", "username": simulator.username, "api_key": simulator.api_key} | changes


def password_login(simulator: RunningSimulator, **changes: str) -> Message:
    return {"mechanism": "PASSWORD_PLAIN", "username": simulator.username, "password": simulator.password} | changes


def test_an_api_key_logs_in_and_its_user_is_reported(simulator: RunningSimulator, stranger: Talk) -> None:
    answer = stranger.call("auth.login_ex", key_login(simulator))

    assert answer["response_type"] == "SUCCESS"
    assert answer["authenticator"] == "LEVEL_1"
    assert answer["user_info"]["pw_name"] == simulator.username
    assert answer["user_info"]["privilege"]["roles"] == {"$set": ["FULL_ADMIN"]}
    assert simulator.stats.logins == 1


def test_user_info_is_omitted_unless_requested(simulator: RunningSimulator, stranger: Talk) -> None:
    answer = stranger.call("auth.login_ex", key_login(simulator) | {"login_options": {"user_info": False}})

    assert answer == {"response_type": "SUCCESS", "user_info": None, "authenticator": "LEVEL_1"}


def test_a_wrong_secret_is_an_answer_and_leaves_the_connection_usable(
    simulator: RunningSimulator, stranger: Talk
) -> None:
    wrong_key = stranger.call("auth.login_ex", key_login(simulator, api_key="1-wrong"))
    wrong_user = stranger.call("auth.login_ex", key_login(simulator, username="nobody"))
    wrong_password = stranger.call("auth.login_ex", password_login(simulator, password="wrong"))
    right = stranger.call("auth.login_ex", password_login(simulator))

    assert wrong_key == wrong_user == wrong_password == {"response_type": "AUTH_ERR"}
    assert right["response_type"] == "SUCCESS"


def test_a_revoked_key_is_wrong_and_an_expired_one_says_so(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.keys[0].expire()
    expired = stranger.call("auth.login_ex", key_login(simulator))
    simulator.admin.keys[0].revoke()
    revoked = stranger.call("auth.login_ex", key_login(simulator))

    assert expired == {"response_type": "EXPIRED"}
    assert revoked == {"response_type": "AUTH_ERR"}


def test_an_expired_account_and_one_without_privilege_do_not_get_in(
    simulator: RunningSimulator, stranger: Talk
) -> None:
    simulator.admin.expired = True
    expired = stranger.call("auth.login_ex", password_login(simulator))
    simulator.admin.expired, simulator.admin.privileged = False, False
    unprivileged = stranger.call("auth.login_ex", password_login(simulator))

    assert expired == {"response_type": "EXPIRED"}
    assert unprivileged == {"response_type": "AUTH_ERR"}


def test_a_standby_node_names_the_active_one(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.accounts.standby_urls = ["10.0.0.2"]

    assert stranger.call("auth.login_ex", key_login(simulator)) == {"response_type": "REDIRECT", "urls": ["10.0.0.2"]}


def test_any_other_answer_can_be_ordered(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.faults.add("login_response", response={"response_type": "DENIED"})

    assert stranger.call("auth.login_ex", key_login(simulator)) == {"response_type": "DENIED"}
    assert stranger.call("auth.login_ex", key_login(simulator))["response_type"] == "SUCCESS"


def test_a_mechanism_below_the_authenticator_level_is_an_error(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.accounts.unsupported_mechanisms = {"API_KEY_PLAIN"}

    error = stranger.refusal("auth.login_ex", key_login(simulator))

    assert error["data"]["error"] == 95
    assert error["data"]["reason"] == (
        "[EOPNOTSUPP] API_KEY_PLAIN: mechanism is not supported at current authenticator level."
    )


def test_a_session_that_pam_refuses_is_an_error(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.session_refusal = "Too many logins"

    error = stranger.refusal("auth.login_ex", key_login(simulator))

    assert error["data"]["reason"] == "[EFAULT] Login with credentials failed: Too many logins"


def test_a_password_with_a_second_factor_needs_both(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.otp = "123456"

    first = stranger.call("auth.login_ex", password_login(simulator))
    wrong = stranger.call("auth.login_ex_continue", {"mechanism": "OTP_TOKEN", "otp_token": "000000"})
    right = stranger.call("auth.login_ex", {"mechanism": "OTP_TOKEN", "otp_token": "123456"})

    assert first == wrong == {"response_type": "OTP_REQUIRED", "username": simulator.username}
    assert right["response_type"] == "SUCCESS"


def test_the_fourth_wrong_second_factor_is_the_last(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.otp = "123456"
    stranger.call("auth.login_ex", password_login(simulator))
    wrong = {"mechanism": "OTP_TOKEN", "otp_token": "000000"}

    answers = [stranger.call("auth.login_ex_continue", wrong)["response_type"] for _attempt in range(4)]

    assert answers == ["OTP_REQUIRED"] * 3 + ["AUTH_ERR"]
    assert stranger.refusal("auth.login_ex_continue", wrong)["data"]["reason"] == (
        "[EINVAL] OTP_TOKEN: no authentication in progress"
    )


def test_an_api_key_needs_no_second_factor(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.otp = "123456"

    assert stranger.call("auth.login_ex", key_login(simulator))["response_type"] == "SUCCESS"


@pytest.mark.parametrize(("release", "attribute"), [("25.10", "login_data"), ("25.04", "login_data.AuthApiKeyPlain")])
def test_25_x_does_not_know_scram(start: Start, connect: Connect, release: str, attribute: str) -> None:
    talk = connect(start(release=release))

    error = talk.refusal("auth.login_ex", {"mechanism": "SCRAM", "scram_type": "CLIENT_FIRST_MESSAGE", "rfc_str": "n"})

    assert error["code"] == -32602
    assert error["data"]["extra"][0][0].startswith(attribute)


def test_25_x_does_not_know_reconnect_tokens(simulator: RunningSimulator, stranger: Talk) -> None:
    error = stranger.refusal("auth.login_ex", key_login(simulator) | {"login_options": {"reconnect_token": False}})

    assert error["data"]["extra"] == [
        ["login_data.API_KEY_PLAIN.login_options.reconnect_token", "Extra inputs are not permitted", 22]
    ]


@pytest.mark.parametrize("release", ["25.04", "25.10"])
def test_mechanism_choices_fails_before_login_and_works_after_it(start: Start, connect: Connect, release: str) -> None:
    talk = connect(start(release=release))

    before = talk.refusal("auth.mechanism_choices")
    talk.login()
    after = talk.call("auth.mechanism_choices")

    assert (before["code"], before["data"]["error"]) == (-32001, 22)
    assert before["data"]["reason"] == "'NoneType' object has no attribute 'may_create_auth_token'"
    assert after == ["API_KEY_PLAIN", "TOKEN_PLAIN", "PASSWORD_PLAIN"]


def test_old_login_methods_only_say_yes_or_no(simulator: RunningSimulator, stranger: Talk) -> None:
    assert stranger.call("auth.login_with_api_key", "77-nothing") is False
    assert stranger.call("auth.login_with_api_key", simulator.api_key) is True
    assert stranger.call("auth.login", simulator.username, "wrong") is False
    assert stranger.call("auth.login", simulator.username, simulator.password) is True
    assert stranger.call("auth.login_with_token", "nothing") is False


def test_an_old_password_login_takes_the_second_factor_along(simulator: RunningSimulator, stranger: Talk) -> None:
    simulator.admin.otp = "123456"

    assert stranger.call("auth.login", simulator.username, simulator.password) is False
    assert stranger.call("auth.login", simulator.username, simulator.password, "123456") is True


def test_a_key_sent_over_an_insecure_transport_is_revoked(start: Start, connect: Connect) -> None:
    simulator = start(plain=True, loopback_is_remote=True)
    insecure, secure = connect(simulator, plain=True), connect(simulator)

    wrong = insecure.call("auth.login_ex", key_login(simulator, api_key="1-wrong"))
    right = insecure.call("auth.login_ex", key_login(simulator))
    later = secure.call("auth.login_ex", key_login(simulator))

    assert wrong == {"response_type": "AUTH_ERR"}
    assert right == {"response_type": "EXPIRED"}
    assert later == {"response_type": "AUTH_ERR"}
    assert simulator.admin.keys[0].revoked_reason == "Attempt to use over an insecure transport"


def test_loopback_is_secure_and_a_password_may_always_be_sent(start: Start, connect: Connect) -> None:
    loopback, remote = start(plain=True), start(plain=True, loopback_is_remote=True)

    assert connect(loopback, plain=True).login()["response_type"] == "SUCCESS"
    assert connect(remote, plain=True).call("auth.login_ex", password_login(remote))["response_type"] == "SUCCESS"


def test_a_token_logs_in_and_goes_with_the_session_that_used_it(
    simulator: RunningSimulator, talk: Talk, connect: Connect
) -> None:
    token = {"mechanism": "TOKEN_PLAIN", "token": talk.call("auth.generate_token")}
    second = connect(simulator)

    used = second.call("auth.login_ex", token)
    second.call("auth.logout")
    used_again = second.call("auth.login_ex", token)

    assert used["response_type"] == "SUCCESS"
    assert used_again == {"response_type": "AUTH_ERR"}


def test_a_token_with_attributes_is_for_something_else(talk: Talk) -> None:
    token = talk.call("auth.generate_token", 600, {"job": 1})

    assert talk.call("auth.login_with_token", token) is False


def test_a_session_ends_with_the_token_it_came_by(simulator: RunningSimulator, talk: Talk, connect: Connect) -> None:
    token = talk.call("auth.generate_token", 600)
    second = connect(simulator)
    assert second.call("auth.login_with_token", token) is True

    found = simulator.accounts.token(token)
    assert found is not None
    found.used_at = time.monotonic() - 601

    assert second.refusal("auth.me")["data"]["errname"] == "ENOTAUTHENTICATED"


def test_a_logout_leaves_the_connection_open(talk: Talk) -> None:
    assert talk.call("auth.logout") is True

    assert talk.refusal("auth.me")["data"]["reason"] == "[ENOTAUTHENTICATED] Not authenticated"


def scram_login(simulator: RunningSimulator, talk: Talk, *, secret: str, channel: bytes | None = None) -> list[Message]:
    """The client's side, written down once more so that both sides cannot share a mistake."""
    header = "n,," if channel is None else "p=tls-server-end-point,,"
    bare = f"n={simulator.username}:{simulator.admin.keys[0].id},r={base64.b64encode(bytes(32)).decode()}"
    first = talk.call(
        "auth.login_ex", {"mechanism": "SCRAM", "scram_type": "CLIENT_FIRST_MESSAGE", "rfc_str": header + bare}
    )
    parts = dict(part.split("=", 1) for part in first["rfc_str"].split(","))
    salted = hashlib.pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    client_key = hmac.digest(salted, b"Client Key", "sha512")
    binding = base64.b64encode(header.encode() + (channel or b"")).decode()
    final = f"c={binding},r={parts['r']}"
    message = f"{bare},{first['rfc_str']},{final}".encode()
    signature = hmac.digest(hashlib.sha512(client_key).digest(), message, "sha512")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True))).decode()
    last = talk.call(
        "auth.login_ex",
        {"mechanism": "SCRAM", "scram_type": "CLIENT_FINAL_MESSAGE", "rfc_str": f"{final},p={proof}"},
    )
    return [first, last]


@pytest.fixture
def offering_scram(start: Start) -> RunningSimulator:
    return start(scram=True)


def test_scram_is_offered_and_works(offering_scram: RunningSimulator, connect: Connect) -> None:
    talk = connect(offering_scram)

    offered = talk.call("auth.mechanism_choices")
    first, last = scram_login(offering_scram, talk, secret=offering_scram.admin.keys[0].secret)

    assert "SCRAM" in offered
    assert (first["scram_type"], first["user_info"]) == ("SERVER_FIRST_RESPONSE", None)
    assert last["scram_type"] == "SERVER_FINAL_RESPONSE"
    assert last["user_info"]["pw_name"] == offering_scram.username
    assert talk.call("auth.me")["pw_name"] == offering_scram.username


def test_scram_may_be_bound_to_the_certificate(offering_scram: RunningSimulator, connect: Connect) -> None:
    pem = ssl.get_server_certificate((offering_scram.host, offering_scram.port))
    channel = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    secret = offering_scram.admin.keys[0].secret

    _first, right = scram_login(offering_scram, connect(offering_scram), secret=secret, channel=channel)
    _first, wrong = scram_login(offering_scram, connect(offering_scram), secret=secret, channel=bytes(32))

    assert right["response_type"] == "SCRAM_RESPONSE"
    assert wrong == {"response_type": "AUTH_ERR"}


def test_a_wrong_secret_fails_at_the_second_message(offering_scram: RunningSimulator, connect: Connect) -> None:
    _first, last = scram_login(offering_scram, connect(offering_scram), secret="wrong")

    assert last == {"response_type": "AUTH_ERR"}


def test_scram_says_nothing_of_why_a_key_is_refused(offering_scram: RunningSimulator, connect: Connect) -> None:
    offering_scram.admin.keys[0].expire()
    first = {"mechanism": "SCRAM", "scram_type": "CLIENT_FIRST_MESSAGE", "rfc_str": "n,,n=pixels:1,r=AAAA"}

    assert connect(offering_scram).call("auth.login_ex", first) == {"response_type": "AUTH_ERR"}


def test_a_final_message_without_a_first_is_an_error(offering_scram: RunningSimulator, connect: Connect) -> None:
    final = {"mechanism": "SCRAM", "scram_type": "CLIENT_FINAL_MESSAGE", "rfc_str": "c=biws,r=AA,p=AA"}

    error = connect(offering_scram).refusal("auth.login_ex", final)

    assert error["data"]["reason"] == "pam handle was not initialized"


# TrueNAS 26


@pytest.fixture
def halfmoon(start: Start) -> RunningSimulator:
    return start(release="26")


def test_scram_is_offered_to_strangers(halfmoon: RunningSimulator, connect: Connect) -> None:
    talk = connect(halfmoon)

    offered = talk.call("auth.mechanism_choices")
    _first, last = scram_login(halfmoon, talk, secret=halfmoon.admin.keys[0].secret)

    assert offered == ["API_KEY_PLAIN", "TOKEN_PLAIN", "PASSWORD_PLAIN", "SCRAM"]
    assert last["scram_type"] == "SERVER_FINAL_RESPONSE"


def test_there_is_one_answer_to_the_question_for_a_second_factor(halfmoon: RunningSimulator, connect: Connect) -> None:
    halfmoon.admin.otp = "123456"
    talk = connect(halfmoon)
    talk.call("auth.login_ex", password_login(halfmoon))

    answer = talk.call("auth.login_ex_continue", {"mechanism": "OTP_TOKEN", "otp_token": "000000"})

    assert answer == {"response_type": "AUTH_ERR"}


def test_right_credentials_without_a_privilege_are_denied(halfmoon: RunningSimulator, connect: Connect) -> None:
    halfmoon.admin.privileged = False

    answer = connect(halfmoon).call("auth.login_ex", password_login(halfmoon))

    assert answer == {"response_type": "DENIED"}


def test_a_login_may_ask_for_a_token_that_is_good_for_one_more(halfmoon: RunningSimulator, connect: Connect) -> None:
    asking = key_login(halfmoon) | {"login_options": {"reconnect_token": True, "user_info": False}}

    token = connect(halfmoon).call("auth.login_ex", asking)["reconnect_token"]
    plain = connect(halfmoon).call("auth.login_ex", key_login(halfmoon))

    again = [
        connect(halfmoon).call("auth.login_ex", {"mechanism": "TOKEN_PLAIN", "token": token})["response_type"]
        for _time in range(2)
    ]
    assert again == ["SUCCESS", "AUTH_ERR"]
    assert plain["reconnect_token"] is None
