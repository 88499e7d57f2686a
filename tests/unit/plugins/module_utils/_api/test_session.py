# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with a NAS, over a real websocket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import connection, login
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    GARBLED,
    AlreadyExists,
    ConnectionFailed,
    ConnectionLost,
    Invalid,
    JobAborted,
    LoginRefused,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TimedOut,
    UnexpectedReply,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import Heartbeat
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import (
    Credential,
    Endpoint,
    Session,
    Timeouts,
    one_time_secrets,
)
from tests.simulator.running import running_simulator

NEW = {
    "name": "px-web",
    "image": "ubuntu/24.04",
    "source_type": "IMAGE",
    "instance_type": "CONTAINER",
    "autostart": False,
    "environment": {"TOKEN": "abc"},
}
TIMEOUTS = Timeouts(connect=5, call=10, job=20, login_wait=5)
START, STOP = "virt.instance.start", "virt.instance.stop"


def session_with(simulator, credential=None, *, timeouts=TIMEOUTS, notice=lambda message: None, **endpoint):
    where = {"host": simulator.host, "port": simulator.port, "ca_path": simulator.ca_file, **endpoint}
    whose = credential or Credential(simulator.username, api_key=simulator.api_key)
    return Session(Endpoint(**where), whose, timeouts=timeouts, notice=notice)


@contextlib.contextmanager
def simulated(**options):
    with running_simulator(engine="paper", **options) as simulator:
        yield simulator
        assert simulator.contract_errors == []


@pytest.fixture
def session(truenas):
    with session_with(truenas) as opened:
        yield opened


@pytest.fixture
def web(truenas):
    return truenas.world.add_container("px-web", status="STOPPED")


def why_not(simulator, credential=None, **options):
    with session_with(simulator, credential, **options) as refused, pytest.raises(LoginRefused) as caught:
        refused.connect()
    return caught.value


def test_many_calls_share_one_login(session, truenas):
    assert truenas.stats.connections == 0

    versions = {session.read("system.version") for _number in range(5)}

    assert versions == {f"TrueNAS-{truenas.release.version}"}
    assert (truenas.stats.connections, truenas.stats.logins) == (1, 1)


def test_a_password_logs_in(truenas):
    with session_with(truenas, Credential(truenas.username, password=truenas.password)) as session:
        session.connect()

    assert truenas.stats.logins == 1


def test_a_wrong_key_is_refused_by_name(truenas):
    error = why_not(truenas, Credential(truenas.username, api_key="1-wrongS3CRET", mechanism="plain"))

    assert error.response_type == "AUTH_ERR"
    assert f"127.0.0.1:{truenas.port} refused the login of '{truenas.username}'" in str(error)


def test_no_secret_is_in_what_a_refused_login_leaves_behind(truenas):
    error = why_not(truenas, Credential(truenas.username, api_key="1-wrongS3CRET"))

    seen = error
    while seen is not None:
        assert "S3CRET" not in "".join(traceback.format_exception(seen)) + str(vars(seen))
        seen = seen.__cause__ or seen.__context__


def test_an_expired_account_is_reported_from_a_wrong_key(truenas):
    truenas.admin.expired = True

    assert why_not(truenas).response_type == "EXPIRED"


def test_a_second_factor_is_reported_as_such(truenas):
    truenas.admin.otp = "123456"

    error = why_not(truenas, Credential(truenas.username, password=truenas.password))

    assert error.response_type == "OTP_REQUIRED"


@pytest.mark.parametrize("response", ["DENIED", "REDIRECT"])
def test_other_answers_to_a_login_are_reported_as_such(truenas, response):
    truenas.faults.add("login_response", response={"response_type": response, "urls": ["10.0.0.2"]})

    assert why_not(truenas).response_type == response


def test_scram_is_taken_where_the_nas_knows_it_and_never_on_25():
    with simulated(scram=True) as truenas:
        with session_with(truenas, Credential(truenas.username, api_key=truenas.api_key, mechanism="scram")) as session:
            session.connect()
        why_not(truenas, Credential(truenas.username, api_key="1-wrong", mechanism="scram"))

        assert truenas.stats.logins == 1


def test_a_nas_without_scram_is_not_sent_the_key_instead(truenas):
    error = why_not(truenas, Credential(truenas.username, api_key=truenas.api_key, mechanism="scram"))

    assert error.response_type == "UNSUPPORTED"
    assert truenas.stats.login_attempts == 1


def test_a_used_up_login_limit_is_waited_out_and_reported(truenas, monkeypatch):
    monkeypatch.setattr(login, "FIRST_PAUSE_S", 0.01)
    truenas.faults.add("rate_limit", method="auth.login_ex", times=1)
    notices = []

    with session_with(truenas, notice=notices.append) as session:
        session.connect()

    assert truenas.stats.logins == 1
    assert "allows 20 logins a minute" in notices[0]


def test_a_login_limit_that_outlasts_the_wait_is_an_error_of_its_own(truenas):
    truenas.faults.add("rate_limit", method="auth.login_ex", times=99)

    with session_with(truenas, timeouts=Timeouts(login_wait=0)) as session, pytest.raises(RateLimited):
        session.connect()


def test_a_key_is_refused_before_connecting_in_the_clear():
    session = Session(Endpoint("192.0.2.1", 80, plain=True), Credential("root", api_key="1-a"))

    with pytest.raises(LoginRefused, match="TrueNAS revokes"):
        session.connect()


def test_a_key_goes_in_the_clear_to_this_machine_only():
    with simulated(plain=True) as truenas, session_with(truenas, port=truenas.plain_port, plain=True) as session:
        assert session.read("system.version")


def test_a_redirect_to_https_is_reported_as_such():
    with simulated(redirect=True) as truenas:
        session = session_with(truenas, port=truenas.redirect_port, plain=True)

        with pytest.raises(ConnectionFailed, match="redirects"):
            session.connect()


def test_the_certificate_of_a_new_nas_is_not_trusted_by_default():
    with simulated(certificate="default") as truenas:
        with (
            session_with(truenas, ca_path=None) as session,
            pytest.raises(ConnectionFailed, match="validate_certs: false"),
        ):
            session.connect()
        with session_with(truenas, ca_path=None, validate_certs=False) as session:
            assert session.read("system.version")


def test_a_nas_that_does_not_accept_the_address_of_the_client_is_reported_immediately():
    with simulated(refuse_addresses=True) as truenas, session_with(truenas) as session:
        with pytest.raises(ConnectionFailed, match="does not allow the address"):
            session.connect()

        assert truenas.stats.logins == 0


def test_a_restarting_middleware_is_waited_for_and_reported(truenas):
    notices = []
    truenas.restart_middleware(seconds=0.5)

    with session_with(truenas, notice=notices.append) as session:
        session.connect()

    assert truenas.stats.logins == 1
    assert len(notices) == 1
    assert "starting or restarting" in notices[0]


def test_a_middleware_that_does_not_come_back_is_given_up_after_the_connect_timeout(truenas):
    truenas.restart_middleware(seconds=20)

    session = session_with(truenas, timeouts=Timeouts(connect=0.5))

    with pytest.raises(ConnectionFailed, match="starting or restarting"):
        session.connect()


def test_threads_get_their_own_answers_and_stay_within_the_limit(session, truenas):
    truenas.faults.add("reorder", times=10)

    with ThreadPoolExecutor(30) as pool:
        names = [f"px-{number}" for number in range(30)]
        found = list(pool.map(lambda name: session.read("virt.instance.query", [["id", "=", name]]), names))

    assert found == [[]] * 30
    assert truenas.stats.most_in_flight <= 10
    assert truenas.stats.logins == 1


@pytest.mark.parametrize(
    ("method", "params", "kind"),
    [
        ("container.query", [], Unsupported),
        ("virt.instance.get_instance", ["px-none"], NotFound),
        ("virt.instance.query", ["nonsense"], Invalid),
        ("virt.instance.query", ["x" * 70_000], Invalid),
    ],
)
def test_refused_calls_have_their_class(session, truenas, method, params, kind):
    with pytest.raises(kind, match=f"127.0.0.1:{truenas.port}"):
        session.read(method, *params)


def test_the_errno_of_a_refusal_is_kept(session, truenas):
    truenas.faults.add("fail_call", method="system.version", errno=16, reason="Pool is busy")

    with pytest.raises(Refused, match="Pool is busy") as caught:
        session.read("system.version")
    assert (caught.value.errno, caught.value.errname) == (16, "EBUSY")


def test_an_account_without_rights_is_reported_so(truenas):
    key = truenas.add_account("guest", roles=["SNAPSHOT_READ"])

    with session_with(truenas, Credential("guest", api_key=key)) as session, pytest.raises(NotPermitted) as caught:
        session.read("virt.instance.query")
    assert caught.value.method == "virt.instance.query"


def test_a_call_that_is_not_answered_in_time_is_given_up_and_the_session_lives_on(session, truenas):
    truenas.faults.add("delay", method="system.version", seconds=600)

    with pytest.raises(TimedOut, match="system.version"):
        session.read("system.version", timeout=0.05)

    assert session.read("system.version")
    assert truenas.stats.connections == 1


def test_whether_a_change_is_made_that_is_not_answered_in_time_is_not_known(session, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("delay", method="virt.instance.device_update", seconds=600)
    device = {"dev_type": "NIC", "name": "eth0", "nic_type": "MACVLAN", "parent": "eno1"}

    with pytest.raises(OutcomeUnknown, match="device_update .* within 0.05 s.* may or may not be done"):
        session.call("virt.instance.device_update", "px-web", device, timeout=0.05)


def test_whether_a_job_starts_whose_call_is_not_answered_in_time_is_not_known(session, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("delay", method="virt.instance.stop", seconds=600)

    with pytest.raises(OutcomeUnknown, match="virt.instance.stop .* no reply .*may or may not have started"):
        session.run_job("virt.instance.stop", "px-web", {}, call_timeout=0.05)


@pytest.mark.parametrize("fault", ["drop_before_call", "drop_before_reply"])
def test_a_read_is_repeated_after_a_lost_connection(session, truenas, fault):
    truenas.faults.add(fault, method="system.version")

    assert session.read("system.version")

    assert truenas.stats.connections == 2


def test_a_read_is_not_repeated_for_ever(session, truenas):
    truenas.faults.add("drop_before_reply", method="system.version", times=999)

    with pytest.raises(ConnectionFailed):
        session.read("system.version", timeout=0.5)


@pytest.mark.parametrize("fault", ["drop_before_call", "drop_before_reply"])
def test_a_change_whose_answer_is_lost_is_not_repeated(session, truenas, fault):
    truenas.faults.add(fault, method="auth.generate_token")

    with pytest.raises(OutcomeUnknown, match="auth.generate_token was sent"):
        session.call("auth.generate_token")

    assert truenas.stats.calls["auth.generate_token"] == 1


def test_a_change_after_a_quiet_disconnect_goes_over_a_new_connection(session, truenas):
    session.connect()
    truenas.cut_connections()
    session._connection._listener.join(5)

    assert session.call("auth.generate_token")

    assert truenas.stats.connections == 2


def test_a_session_that_was_cut_connects_again(session, truenas):
    session.connect()
    truenas.cut_connections()
    session._connection._listener.join(5)

    session.connect()

    assert session.is_connected
    assert truenas.stats.logins == 2


@pytest.mark.parametrize("second", ["", GARBLED])
def test_what_is_not_json_rpc_is_tolerated_once(session, second):
    failures = [ConnectionLost("odd", ending=ending) for ending in (GARBLED, second)]

    def action(_connection, _left):
        if failures:
            raise failures.pop(0)
        return "done"

    with contextlib.ExitStack() as expected:
        if second:
            expected.enter_context(pytest.raises(UnexpectedReply, match="it is not a message of the API"))
        assert session._with_connection(action, 5) == "done"


def test_a_shell_of_a_session_is_in_its_pixel_and_its_token_is_secret(monkeypatch):
    with running_simulator(release="25.10", engine="process") as simulator, session_with(simulator) as session:
        tokens = []
        accounts = simulator._simulator.accounts
        make = accounts.add_token
        monkeypatch.setattr(accounts, "add_token", lambda *who, **how: tokens.append(make(*who, **how)) or tokens[-1])
        simulator.world.add_container("px-web")

        shell = session.borrow_shell({"virt_instance_id": "px-web", "command": "/bin/sh", "use_console": False})
        shell.send(b"uname -n\n")
        output = b""
        while b"px-web\r\n" not in output:
            output += shell.receive(10) or b""
        shell.discard()

        [token] = tokens
        assert (token.ttl, token.remote, token.single_use) == (300, "127.0.0.1", True)
        assert token.text not in session._redactor.everywhere(f"the token {token.text}")


def test_a_read_outlasts_a_restart_of_the_middleware(session, truenas):
    session.connect()
    truenas.restart_middleware(seconds=0.4)

    assert session.read("system.version")


def test_pings_keep_a_quiet_session_open(monkeypatch):
    monkeypatch.setattr(connection, "Heartbeat", lambda now: Heartbeat(now, every=0.1, within=5))
    with simulated(idle_seconds=0.4, start_seconds=1) as truenas, session_with(truenas) as session:
        truenas.world.add_container("px-web", status="STOPPED")

        session.run_job(START, "px-web")

        assert truenas.stats.connections == 1


def test_a_login_that_ended_is_renewed_once_on_the_same_connection(session, truenas):
    session.call("auth.logout")

    assert session.read("system.version")

    assert (truenas.stats.connections, truenas.stats.logins) == (1, 2)


def test_a_login_that_cannot_be_renewed_is_refused(session, truenas):
    session.call("auth.logout")
    truenas.admin.expired = True

    with pytest.raises(LoginRefused):
        session.read("system.version")


def test_a_job_is_followed_to_its_result(session, truenas):
    reported = []

    created = session.run_job("virt.instance.create", NEW, progress=reported.append)

    assert created["name"] == "px-web"
    assert truenas.world.containers["px-web"].environment["TOKEN"] == "abc"
    assert reported[-1].percent == 100


def test_many_jobs_run_at_the_same_time(session, truenas):
    with ThreadPoolExecutor(12) as pool:
        specs = [{**NEW, "name": f"px-{number}"} for number in range(12)]
        created = list(pool.map(lambda spec: session.run_job("virt.instance.create", spec)["name"], specs))

    assert sorted(truenas.world.containers) == sorted(created)
    assert truenas.stats.calls["core.subscribe"] == 1


def test_a_failed_job_fails_as_its_call_would(session, web):
    with pytest.raises(AlreadyExists, match="px-web"):
        session.run_job("virt.instance.create", NEW)
    with pytest.raises(Invalid) as caught:
        session.run_job("virt.instance.create", {"name": "px-other"})
    assert ("virt_instance_create.image", "Field required") in caught.value.fields
    with pytest.raises(NotFound):
        session.run_job("virt.instance.delete", "px-none")


def test_a_job_that_fails_for_a_reason_of_its_own_keeps_it(session, truenas, web):
    truenas.faults.add("fail_job", method=START, kind="CallError", errno=28, text="No space left on device")

    with pytest.raises(Refused, match="No space left on device") as caught:
        session.run_job(START, "px-web")
    assert caught.value.errno == 28


def test_an_aborted_job_is_no_success(session, truenas, web):
    truenas.faults.add("abort_job", method=START)

    with pytest.raises(JobAborted):
        session.run_job(START, "px-web")


def test_another_users_job_that_merged_with_the_request_is_noticed(session, truenas, web):
    truenas.faults.add("substitute_job", method=START)

    with pytest.raises(Refused, match="too many jobs waiting"):
        session.run_job(START, "px-web")

    assert truenas.world.containers["px-web"].status == "STOPPED"
    assert session.run_job(START, "px-web")


def test_a_job_that_takes_too_long_goes_on_at_the_nas(session, truenas, web, monkeypatch):
    engine, is_given_up = truenas.world.engine, threading.Event()
    start = engine.start

    async def start_late(*arguments, **options):
        while not is_given_up.is_set():
            await asyncio.sleep(0.01)
        await start(*arguments, **options)

    monkeypatch.setattr(engine, "start", start_late)
    session.connect()

    with pytest.raises(TimedOut, match="job \\d+ continues there"):
        # Long enough for the NAS to say the id.
        session.run_job(START, "px-web", timeout=0.5)

    is_given_up.set()
    # Stopping waits in line behind it.
    assert session.run_job(STOP, "px-web", {"timeout": 5, "force": True})


@pytest.mark.parametrize("fault", ["drop_before_reply", "drop_after_reply", "drop_mid_job"])
def test_a_job_is_found_again_after_a_lost_connection(session, truenas, web, fault):
    truenas.faults.add(fault, method=START)

    session.run_job(START, "px-web")

    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert truenas.stats.calls[START] == 1
    assert truenas.stats.connections == 2


def test_a_job_that_may_never_have_arrived_is_not_started_again(session, truenas, web):
    truenas.faults.add("drop_before_call", method=START)

    with pytest.raises(OutcomeUnknown, match="may or may not have started"):
        session.run_job(START, "px-web")

    assert truenas.stats.calls[START] == 1


def test_a_job_that_a_restart_forgot_leaves_the_outcome_unknown(session, truenas, web):
    truenas.faults.add("restart_middleware", method=START, seconds=0.2)

    with pytest.raises(OutcomeUnknown, match="no longer shows job"):
        session.run_job(START, "px-web")


def test_a_job_whose_nas_does_not_come_back_leaves_the_outcome_unknown(truenas, web):
    truenas.faults.add("restart_middleware", method=START, seconds=20)

    session = session_with(truenas, timeouts=Timeouts(connect=0.5, call=0.5))

    with pytest.raises(OutcomeUnknown, match="starting or restarting"):
        session.run_job(START, "px-web")


def test_on_25_10_a_limited_account_loses_sight_of_its_job_with_its_connection():
    with simulated(release="25.10", start_seconds=0.2) as truenas:
        truenas.world.add_container("px-web", status="STOPPED")
        key = truenas.add_account("limited", roles=["VIRT_INSTANCE_WRITE"])
        truenas.faults.add("drop_mid_job", method=START)

        session = session_with(truenas, Credential("limited", api_key=key))
        lost = pytest.raises(OutcomeUnknown, match="may not see jobs of an earlier connection")
        with session, lost:
            session.run_job(START, "px-web")


def test_a_closed_session_says_so_and_closes_twice(session, truenas):
    session.read("system.version")

    session.close()
    session.close()

    with pytest.raises(ConnectionFailed, match="is closed"):
        session.read("system.version")


def test_closing_leaves_no_thread_behind(truenas):
    with session_with(truenas) as session:
        session.connect()
        assert "pixels listens to " + session.nas in [thread.name for thread in threading.enumerate()]

    assert "pixels listens to " + session.nas not in [thread.name for thread in threading.enumerate()]


def test_a_failed_login_leaves_no_thread_behind(truenas):
    why_not(truenas, Credential(truenas.username, api_key="1-wrong"))

    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("pixels listens")]


def test_a_session_refuses_to_work_after_a_fork_and_goes_on_in_its_parent(session):
    session.connect()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            session.close()
            session.read("system.version")
        except ConnectionFailed as error:
            os._exit(0 if "after a fork" in str(error) else 1)
        finally:
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert session.read("system.version")


def test_a_session_shows_no_secret(session, truenas):
    secret = truenas.api_key.partition("-")[2]

    assert secret not in repr(session) + repr(vars(session))


def test_a_gate_is_asked_before_each_call_of_a_login_and_no_other(truenas):
    asked = []
    endpoint = Endpoint(truenas.host, truenas.port, ca_path=truenas.ca_file)
    credential = Credential(truenas.username, api_key=truenas.api_key, mechanism="plain")

    with Session(endpoint, credential, admit=lambda method, params: asked.append(method)) as session:
        session.read("system.version")

    assert asked == ["auth.login_ex"]


def test_a_gate_that_stays_shut_is_a_limit_of_the_nas(truenas):
    def refuse(method, params):
        raise RateLimited("no more")

    endpoint = Endpoint(truenas.host, truenas.port, ca_path=truenas.ca_file)
    credential = Credential(truenas.username, api_key=truenas.api_key)
    session = Session(endpoint, credential, timeouts=Timeouts(login_wait=0), admit=refuse)

    with session, pytest.raises(RateLimited, match="login_wait"):
        session.connect()
    assert truenas.stats.login_attempts == 0


def test_a_session_knows_whether_it_is_connected(truenas):
    with session_with(truenas) as session:
        assert not session.is_connected
        assert session.connection is None
        session.connect(timeout=1)
        assert session.is_connected
        assert session.connection.call("core.ping", [], timeout=5) == "pong"

    assert not session.is_connected
    assert session.connection is None


def test_the_material_of_a_scram_login_is_secret():
    first = {"mechanism": "SCRAM", "rfc_str": "n,,n=root:17,r=bm9uY2Ux"}
    final = {"mechanism": "SCRAM", "rfc_str": "c=biws,r=bm9uY2Uy,p=cHJvb2Yh"}

    assert [one_time_secrets([each]) for each in (first, final, {"rfc_str": 5}, "text")] == [
        ["bm9uY2Ux"],
        ["bm9uY2Uy", "cHJvb2Yh"],
        [],
        [],
    ]
    assert one_time_secrets([]) == []
