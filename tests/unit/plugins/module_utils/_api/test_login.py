# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in, and waiting where the NAS allows no more logins."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    Invalid,
    LoginRefused,
    RateLimited,
    Refused,
    UnexpectedReply,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.login import log_in, refuse_unsafe

KEY = Credential("alice", api_key="7-S3CRET", mechanism="plain")
AUTO = Credential("alice", api_key="7-S3CRET")
SCRAM = Credential("alice", api_key="7-S3CRET", mechanism="scram")
PASSWORD = Credential("alice", password="S3CRET")

NO_MECHANISMS_YET = Refused("'NoneType' object has no attribute 'may_create_auth_token'", errno=22, errname="EINVAL")
LIMITED = RateLimited("20 logins a minute")
SUCCESS = {"response_type": "SUCCESS"}


class Asked:
    """A NAS that gives these answers, one after the other, the last one for ever; errors are raised."""

    def __init__(self, *logins, mechanisms=NO_MECHANISMS_YET):
        self._logins = list(logins)
        self._mechanisms = mechanisms
        self.requests = []
        self.methods = []

    def __call__(self, method, *params):
        self.methods.append(method)
        self.requests += params
        if method == "auth.mechanism_choices":
            answer = self._mechanisms
        else:
            answer = self._logins.pop(0) if len(self._logins) > 1 else self._logins[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """Time that passes by sleeping."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def attempt(ask, credential=KEY, login_wait=70.0, clock=None, notices=None):
    clock = clock or Clock()
    notice = (notices if notices is not None else []).append
    log_in(ask, credential, nas="nas.lan", login_wait=login_wait, notice=notice, sleep=clock.sleep, clock=clock)


def why_not(ask, credential=KEY):
    with pytest.raises(LoginRefused) as caught:
        attempt(ask, credential)
    assert "S3CRET" not in str(caught.value)
    assert "nas.lan" in str(caught.value)
    return caught.value


def test_an_api_key_logs_in_with_its_user():
    ask = Asked(SUCCESS)

    attempt(ask)

    options = {"login_options": {"user_info": False}}
    assert ask.requests == [{"mechanism": "API_KEY_PLAIN", "username": "alice", "api_key": "7-S3CRET", **options}]


def test_a_password_logs_in_without_asking_for_mechanisms():
    ask = Asked(SUCCESS)

    attempt(ask, PASSWORD)

    assert ask.methods == ["auth.login_ex"]
    assert ask.requests[0]["mechanism"] == "PASSWORD_PLAIN"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ({"response_type": "AUTH_ERR"}, "the username or the API key is wrong, or the API key was revoked"),
        ({"response_type": "EXPIRED"}, "has expired or was revoked"),
        ({"response_type": "DENIED"}, "locked or has no API access"),
        ({"response_type": "OTP_REQUIRED", "username": "alice"}, "one-time password"),
        ({"response_type": "REDIRECT", "urls": ["10.0.0.2", "10.0.0.3"]}, "standby node of a pair"),
        ({"response_type": "NEW_IDEA"}, "unknown reason"),
        ({"response_type": "SCRAM_RESPONSE"}, "unknown reason"),
    ],
    ids=lambda item: item["response_type"] if isinstance(item, dict) else "",
)
def test_every_answer_has_a_sentence_of_its_own(response, message):
    error = why_not(Asked(response))

    assert message in str(error)
    assert error.response_type == response["response_type"]


@pytest.mark.parametrize("nonsense", [None, True, {}, {"response_type": 7}])
def test_an_invalid_answer_is_no_login(nonsense):
    with pytest.raises(UnexpectedReply, match=r"unexpected reply of nas\.lan to auth\.login_ex"):
        attempt(Asked(nonsense))


@pytest.mark.parametrize("nonsense", [5, {}, "SCRAM", None, [{}]])
def test_invalid_mechanisms_are_no_login(nonsense):
    with pytest.raises(UnexpectedReply, match=r"unexpected reply of nas\.lan to auth\.(mechanism_choices|login_ex)"):
        attempt(Asked({"response_type": 7}, mechanisms=nonsense), AUTO)


def test_a_standby_node_names_the_active_one():
    assert "10.0.0.2, 10.0.0.3" in str(why_not(Asked({"response_type": "REDIRECT", "urls": ["10.0.0.2", "10.0.0.3"]})))


def test_a_wrong_password_is_not_called_a_key():
    assert "the username or the password is wrong" in str(why_not(Asked({"response_type": "AUTH_ERR"}), PASSWORD))


def test_a_mechanism_that_security_forbids_is_reported_as_such():
    forbidden = Refused("nas.lan refused", errno=95, errname="EOPNOTSUPP")

    error = why_not(Asked(forbidden))

    assert "does not allow it by API key" in str(error)
    assert error.response_type == "EOPNOTSUPP"


def test_another_error_at_login_is_a_refused_login():
    assert "Login with credentials failed" in str(
        why_not(Asked(Refused("nas.lan refused auth.login_ex: Login with credentials failed", errno=14)))
    )


@pytest.mark.parametrize("error", [ConnectionLost("gone"), Unsupported("what?")])
def test_what_is_no_refusal_passes_unchanged(error):
    with pytest.raises(type(error)):
        attempt(Asked(error))


def test_auto_takes_scram_where_the_nas_offers_it():
    ask = Asked({"response_type": "AUTH_ERR"}, mechanisms=["API_KEY_PLAIN", "SCRAM"])

    why_not(ask, AUTO)

    assert [request["mechanism"] for request in ask.requests] == ["SCRAM"]


@pytest.mark.parametrize("mechanisms", [["API_KEY_PLAIN", "PASSWORD_PLAIN"], NO_MECHANISMS_YET], ids=["list", "crash"])
def test_auto_takes_plain_where_there_is_no_scram(mechanisms):
    ask = Asked(SUCCESS, mechanisms=mechanisms)

    attempt(ask, AUTO)

    assert [request["mechanism"] for request in ask.requests] == ["API_KEY_PLAIN"]


@pytest.mark.parametrize("error", [ConnectionLost("gone"), Refused("odd", errno=14), Unsupported("what?")])
def test_auto_does_not_take_trouble_for_an_answer(error):
    ask = Asked(SUCCESS, mechanisms=error)

    with pytest.raises((ConnectionLost, LoginRefused, Unsupported)):
        attempt(ask, AUTO)

    assert ask.requests == []


def test_scram_never_falls_back_to_sending_the_key():
    ask = Asked(Invalid("login_data: Input tag 'SCRAM' found"))

    error = why_not(ask, SCRAM)

    assert "require TrueNAS 26" in str(error)
    assert "S3CRET" not in str(ask.requests)


def test_the_key_is_never_part_of_a_scram_login():
    ask = Asked({"response_type": "SCRAM_RESPONSE", "scram_type": "SERVER_FIRST_RESPONSE", "rfc_str": "r=AAAA,s=,i=1"})

    error = why_not(ask, SCRAM)

    assert "nonce" in str(error)
    assert "S3CRET" not in str(ask.requests)


def test_a_used_up_limit_is_waited_out_and_reported():
    clock, notices = Clock(), []
    ask = Asked(LIMITED, LIMITED, LIMITED, SUCCESS)

    attempt(ask, clock=clock, notices=notices)

    assert 0 < clock.now < 70
    assert len(notices) == 3
    assert notices[0] == "waiting up to 70 s to log in: nas.lan allows 20 logins a minute from one address"


def test_the_limit_on_asking_for_mechanisms_is_waited_out_too():
    ask = Asked(SUCCESS, mechanisms=LIMITED)

    with pytest.raises(RateLimited):
        attempt(ask, AUTO)

    assert ask.requests == []
    assert len(ask.methods) > 1


def test_waiting_ends_after_login_wait():
    clock = Clock()

    with pytest.raises(RateLimited, match="within 70 s"):
        attempt(Asked(LIMITED), clock=clock)

    assert clock.now == pytest.approx(70)


def test_without_login_wait_there_is_no_waiting():
    clock, notices = Clock(), []

    with pytest.raises(RateLimited):
        attempt(Asked(LIMITED), login_wait=0, clock=clock, notices=notices)

    assert clock.now == 0
    assert notices == []


@pytest.mark.parametrize("credential", [KEY, AUTO])
def test_a_key_is_not_sent_in_the_clear_to_another_machine(credential):
    with pytest.raises(LoginRefused, match="TrueNAS revokes API keys"):
        refuse_unsafe(Endpoint("10.0.0.1", 80, plain=True), credential)


@pytest.mark.parametrize(
    ("endpoint", "credential"),
    [
        (Endpoint("10.0.0.1"), KEY),
        (Endpoint("10.0.0.1", validate_certs=False), KEY),
        (Endpoint("127.0.0.1", 80, plain=True), KEY),
        (Endpoint("10.0.0.1", 80, plain=True), SCRAM),
        (Endpoint("10.0.0.1", 80, plain=True), PASSWORD),
    ],
    ids=["tls", "unverified tls", "this machine", "scram", "password"],
)
def test_what_truenas_does_not_revoke_is_sent(endpoint, credential):
    refuse_unsafe(endpoint, credential)


def test_the_mechanisms_are_asked_for_once_however_long_the_wait():
    ask = Asked(LIMITED, LIMITED, SUCCESS)

    attempt(ask, AUTO)

    assert ask.methods == ["auth.mechanism_choices", *["auth.login_ex"] * 3]


@pytest.mark.parametrize("credential", [KEY, AUTO, PASSWORD])
def test_an_unverified_server_is_reported_before_a_secret_is_sent(credential):
    notices = []
    log_in(Asked(SUCCESS), credential, nas="nas.lan", login_wait=0, notice=notices.append, unverified=True)

    [notice] = notices
    assert "the certificate of nas.lan is not verified" in notice
    assert "S3CRET" not in notice


def test_a_verified_server_is_not_reported():
    notices = []

    attempt(Asked(SUCCESS), KEY, notices=notices)

    assert notices == []
