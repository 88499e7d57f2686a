# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS that answers with nonsense, at each method that is called: one kind of error, and never a traceback."""

from __future__ import annotations

import itertools
import json
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import replies, shapes
from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_checkpoint_info,
    pixels_checkpoint_restore,
    pixels_container,
    pixels_container_info,
    pixels_fleet,
    pixels_nas_info,
    pixels_reap,
)
from tests.simulator.faults import FOREVER
from tests.simulator.running import running_simulator
from tests.unit.plugins.conftest import BETA, list_inventory

UNEXPECTED = "unexpected reply of "

VALUES: dict[str, t.Any] = {
    # No id of a job that there is.
    "a number": 5_000_000,
    "a list of empty rows": [{}],
    "a row of nulls": [dict.fromkeys(("id", "name", "status", "state", "properties", "devices"))],
    "rows of other types": [{"name": 5, "status": {}, "id": "x", "properties": [], "aliases": {}, "state": []}],
}
MESSAGES: dict[str, str] = {
    "a number of 5,000 digits": '{"jsonrpc": "2.0", "id": "ID", "result": ' + "9" * 5000 + "}",
    "a number of 4,000 digits": '{"jsonrpc": "2.0", "id": "ID", "result": ' + "9" * 4000 + "}",
    "not a number": '{"jsonrpc": "2.0", "id": "ID", "result": [{"name": NaN, "memory": 1e999}]}',
    "10,000 levels": '{"jsonrpc": "2.0", "id": "ID", "result": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "half of UTF-8": '{"jsonrpc": "2.0", "id": "ID", "result": "\udcff"}',
    "no JSON": "<html><body>502 Bad Gateway</body></html>",
    "no object": "5",
}

# Methods for which a plain number is the id of another job, and methods whose result is not used.
JOBS = {"virt.instance", "container"}
UNUSED = {method for method, shape in replies.REPLIES.items() if shape is shapes.anything} | {"core.subscribe"}
CHECKED_AFTERWARDS = ("snapshot.create", "snapshot.delete", "snapshot.destroy", "container.delete")


def container(**options: t.Any) -> t.Callable[..., dict[str, t.Any]]:
    return lambda run, name: run(pixels_container, name=name, wait="none", **options)


OPERATIONS: dict[str, t.Callable[..., dict[str, t.Any]]] = {
    "nas": lambda run, _name: run(pixels_nas_info),
    "info": lambda run, name: run(pixels_container_info, name=name),
    "create": lambda run, name: run(pixels_container, name=f"{name}-new", wait="none", image="ubuntu/24.04"),
    "change": container(environment={"A": "b"}, autostart=True),
    "stop": container(state="stopped"),
    "restart": container(state="restarted"),
    "fleet": lambda run, name: run(pixels_fleet, pixels=[{"name": name, "wait": "none"}]),
    "destroy": container(state="absent"),
    "checkpoint": lambda run, name: run(pixels_checkpoint, name=name, label="now"),
    "checkpoints": lambda run, name: run(pixels_checkpoint_info, name=name),
    "restore": lambda run, name: run(pixels_checkpoint_restore, name=name, label="before"),
    "forget": lambda run, name: run(pixels_checkpoint, name=name, label="before", state="absent"),
    "quiesce": lambda run, name: run(pixels_checkpoint, name=name, label="now", quiesce="stop", keep=1),
    "safety": lambda run, name: run(pixels_checkpoint_restore, name=name, label="before", safety=True),
    "clone": lambda run, name: run(pixels_container, name=f"{name}-clone", wait="none", **{"from": name}),
    "labels": container(labels={"role": "front"}, ttl="4h", protected=True),
    "egress": container(egress={"mode": "allowlist", "allow": ["192.0.2.1"]}),
    "prune": lambda run, name: run(pixels_fleet, pixels=[], fleet=name, prune=True),
    "reap": lambda run, _name: run(pixels_reap),
}
"""On TrueNAS 26, some are not supported, which is reported after the first calls."""


@pytest.fixture(params=["25.04", "25.10", BETA, "26"])
def release(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def truenas(release: str, tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Any]:
    """One that takes any number of logins: each module has one of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PIXELS_SESSION", "direct")
    with running_simulator(release=release, engine="paper", login_limit=100_000) as simulator:
        yield simulator


@pytest.fixture
def pixel(truenas: t.Any, run: t.Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[], str]:
    """Makes a running pixel that has a checkpoint, each with a name of its own."""
    numbers = itertools.count()

    def make() -> str:
        name = f"w{next(numbers)}"
        # The logins of this user are counted there, and here are many.
        runtime = home / name
        runtime.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        recorded = {"fleet": name, "ttl": "1h", "expires": "2020-01-01T00:00:00Z"}
        metadata = {f"PIXELS/{key}": value for key, value in recorded.items()}
        made = truenas.world.add_container(f"px-{name}", environment=metadata)
        if hasattr(made, "description"):
            made.description, made.environment = f"pixels.truenas: {json.dumps(recorded)}", {}
        truenas.world.add_snapshot(f"px-{name}", "before")
        return name

    return make


def is_sound(method: str, what: str, result: dict[str, t.Any]) -> bool:
    """Whether this is how a module may end that was answered with nonsense."""
    if not result.get("failed"):
        # The state is queried afterwards, and addresses may be unknown.
        return method.endswith(CHECKED_AFTERWARDS) or method == "core.download"
    if "Traceback" in str(result) or "exception" in result or len(result["msg"]) > 5000:
        return False
    of_another_job = what == "a number" and any(method.startswith(each) for each in JOBS)
    return UNEXPECTED in result["msg"] or of_another_job or method == "core.download"


def methods_of(truenas: t.Any, operation: t.Callable[..., t.Any], run: t.Any, name: str) -> set[str]:
    before = dict(truenas.stats.calls)
    operation(run, name)
    return {method for method, times in truenas.stats.calls.items() if times > before.get(method, 0)}


@pytest.mark.timeout(300)
@pytest.mark.wide
def test_each_method_may_get_an_invalid_reply(run: t.Any, truenas: t.Any, pixel: t.Any) -> None:
    wrong, seen = [], set(UNUSED)
    for operation in OPERATIONS.values():
        name = pixel()
        methods = methods_of(truenas, operation, run, name) - seen
        seen |= methods
        for method, (what, value) in itertools.product(sorted(methods), VALUES.items()):
            name = pixel()
            truenas.faults.add("answer_with", method=method, times=FOREVER, value=value)
            result = operation(run, name)
            truenas.faults.clear()
            if not is_sound(method, what, result):
                wrong.append(f"{method}, {what}: {result.get('msg') or result}"[:500])

    assert wrong == []
    assert len(seen) > len(UNUSED) + 12


@pytest.mark.parametrize("release", ["25.10", "26"])
@pytest.mark.parametrize("what", MESSAGES)
def test_each_question_may_be_answered_with_what_is_no_message(
    run: t.Any, truenas: t.Any, pixel: t.Any, what: str
) -> None:
    name = pixel()
    methods = methods_of(truenas, OPERATIONS["info"], run, name) - UNUSED - {"core.download"}

    for method in sorted(methods):
        name = pixel()
        truenas.faults.add("answer_with", method=method, times=FOREVER, text=MESSAGES[what])
        result = OPERATIONS["info"](run, name)
        truenas.faults.clear()
        assert UNEXPECTED in result["msg"], method
        assert result["error"] == {"kind": "UnexpectedReply"}


@pytest.mark.parametrize("release", ["25.10"])
def test_a_change_without_a_reply_message_has_an_unknown_outcome(run: t.Any, truenas: t.Any, pixel: t.Any) -> None:
    name = pixel()
    truenas.faults.add("answer_with", method="pool.snapshot.rollback", text=MESSAGES["10,000 levels"])

    result = OPERATIONS["restore"](run, name)

    assert UNEXPECTED in result["msg"]
    assert "pool.snapshot.rollback may or may not be done" in result["msg"]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("method", ["virt.instance.create", "virt.instance.update", "virt.instance.stop"])
@pytest.mark.parametrize("value", [[{}], "x", {"a": "b"}, 5], ids=str)
def test_a_job_may_end_with_any_invalid_result(
    run: t.Any, truenas: t.Any, pixel: t.Any, method: str, value: t.Any
) -> None:
    name = pixel()
    truenas.faults.add("end_job_with", method=method, value=value)

    operation = {"virt.instance.create": "create", "virt.instance.update": "change"}.get(method, "stop")
    result = OPERATIONS[operation](run, name)

    assert UNEXPECTED in result["msg"]
    assert f"{method} may or may not be done" in result["msg"]


@pytest.mark.parametrize("release", ["25.10"])
def test_a_binary_message_is_noticed_immediately(run: t.Any, truenas: t.Any, pixel: t.Any) -> None:
    name = pixel()
    truenas.faults.add("answer_with", method="virt.instance.query", times=FOREVER, text="\udcff", binary=True)

    assert UNEXPECTED in OPERATIONS["info"](run, name)["msg"]


@pytest.mark.parametrize("release", ["25.10"])
def test_one_malformed_message_costs_nothing_but_a_second_try(run: t.Any, truenas: t.Any, pixel: t.Any) -> None:
    name = pixel()
    truenas.faults.add("answer_with", method="virt.instance.query", text="<html>")

    assert [each["name"] for each in OPERATIONS["info"](run, name)["containers"]] == [name]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("value", [5, [{}], "x"], ids=str)
@pytest.mark.parametrize("session", ["direct", "auto"])
@pytest.mark.wide
def test_the_command_reports_it_as_text_and_as_json(
    pixels_command: t.Any, truenas: t.Any, value: t.Any, session: str
) -> None:
    truenas.world.add_container("px-web")
    pixels_command.environment["PIXELS_SESSION"] = session
    pixels_command("list")
    truenas.faults.add("answer_with", method="virt.instance.query", times=FOREVER, value=value)

    for words in (("list",), ("info", "web"), ("start", "web"), ("checkpoint", "list", "web")):
        plain, reported = pixels_command(*words), pixels_command.json(*words)

        assert (plain.returncode, plain.stdout) == (1, "")
        assert plain.stderr.startswith(f"Error: {UNEXPECTED}")
        assert "Traceback" not in plain.stderr
        assert reported["error"]["kind"] == "UnexpectedReply"
    truenas.faults.clear()
    assert pixels_command("list").stdout.splitlines()[1].split()[0] == "web"


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.wide
def test_a_shared_session_outlives_what_is_no_message(pixels_command: t.Any, truenas: t.Any) -> None:
    truenas.world.add_container("px-web")
    pixels_command.environment |= {"PIXELS_SESSION": "auto", "XDG_RUNTIME_DIR": str(pixels_command.home)}
    pixels_command("list")
    [before] = pixels_command.json("session", "status")
    for text in MESSAGES.values():
        truenas.faults.add("answer_with", method="virt.instance.query", times=FOREVER, text=text)
        plain = pixels_command("info", "web")
        assert plain.stderr.startswith(f"Error: {UNEXPECTED}")
        truenas.faults.clear()

    [after] = pixels_command.json("session", "status")

    assert after["pid"] == before["pid"]
    assert pixels_command("list").returncode == 0


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(("on_error", "value"), [("warn", [{}]), ("fail", 5)])
@pytest.mark.wide
def test_the_inventory_says_so_without_a_traceback(
    truenas: t.Any, nas: dict[str, t.Any], tmp_path: Path, on_error: str, value: t.Any
) -> None:
    truenas.world.add_container("px-web")
    truenas.faults.add("answer_with", method="virt.instance.query", times=FOREVER, value=value)
    source = tmp_path / "x.pixels.yml"
    source.write_text(json.dumps({"plugin": "pixels.truenas.pixels", "on_error": on_error, **nas}))

    listed = list_inventory(source)

    assert json.loads(listed.stdout)["_meta"]["hostvars"] == {}
    assert UNEXPECTED in " ".join(listed.stderr.split())
    assert "Traceback" not in listed.stderr


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("method", ["auth.generate_token", "virt.instance.query", "auth.login_ex"])
@pytest.mark.parametrize("value", [5, [{}], None], ids=str)
def test_the_connection_plugin_is_unreachable(truenas: t.Any, nas: dict[str, t.Any], method: str, value: t.Any) -> None:
    truenas.world.add_container("px-web")
    truenas.faults.add("answer_with", method=method, times=FOREVER, value=value)
    connection = connection_loader.get("pixels.truenas.pixels", PlayContext())
    known = {f"pixels_nas_{name}": value for name, value in nas.items()}
    connection.set_options(var_options={"inventory_hostname": "web", "pixels_transport": "shell", **known})

    with pytest.raises(AnsibleConnectionFailure, match=UNEXPECTED):
        connection.exec_command("true")


@pytest.mark.parametrize("release", ["25.10"], indirect=True)
@pytest.mark.parametrize("session", ["direct", "auto"])
@pytest.mark.parametrize(
    "error",
    ["5", "null", '{"code": -32001, "message": "x", "data": {"reason": ' + "[" * 600 + "]" * 600 + "}}"],
    ids=["number", "null", "600 levels"],
)
def test_an_invalid_error_is_reported_immediately(
    pixels_command: t.Any, truenas: t.Any, home: Path, error: str, session: str
) -> None:
    (home / "run").mkdir(mode=0o700)
    pixels_command.environment |= {"PIXELS_SESSION": session, "XDG_RUNTIME_DIR": str(home / "run")}
    truenas.world.add_container("px-web")
    text = f'{{"jsonrpc": "2.0", "id": "ID", "error": {error}}}'
    for method in ("virt.instance.query", "virt.instance.stop"):
        truenas.faults.add("answer_with", method=method, text=text, times=FOREVER)
        ended = pixels_command("info" if method.endswith("query") else "stop", "web")
        truenas.faults.clear()

        assert ended.returncode == 1
        assert UNEXPECTED in ended.stderr
        assert method in ended.stderr
        assert ("may or may not be done" in ended.stderr) == method.endswith("stop")
        assert len(ended.stderr.splitlines()) == 1
    pixels_command("session", "stop")
