# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of containers of TrueNAS 26 on a simulated NAS: what is read, created, changed and refused."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image, Metadata, NewContainer, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.detect import detect_backend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.lxc_backend import LxcBackend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = PixelName("px-web")

WITHIN = 30.0


@pytest.fixture
def release() -> str:
    return "26"


@pytest.fixture
def backend(session) -> LxcBackend:
    return detect_backend(session)


def domain(truenas, name="px-web"):
    return truenas.world.domains[name]


# seeing


def test_running_ones_are_listed_with_their_addresses(backend, truenas):
    for name in ("px-b", "px-a"):
        truenas.world.add_container(name)
    truenas.world.add_container("px-off", status="STOPPED")
    truenas.world.add_container("other")

    found = backend.list("px-")

    assert [each.name for each in found] == ["px-a", "px-b", "px-off"]
    shown = {name: [each["address"] for each in domain(truenas, name).aliases] for name in ("px-a", "px-b")}
    assert {each.name: [it.address for it in each.addresses] for each in found} == {**shown, "px-off": []}
    assert found[0].ipv4 == shown["px-a"][0]


def test_addresses_are_read_several_at_a_time_and_below_the_limit_of_the_nas(backend, truenas):
    for number in range(12):
        truenas.world.add_container(f"px-{number}")
    truenas.faults.add("delay", method="core.download", times=24, seconds=0.05)

    found = backend.list("px-")

    assert all(each.ipv4 for each in found)
    assert 1 < truenas.stats.most_in_flight <= 10


def test_an_account_that_may_not_read_files_of_the_nas_sees_containers_without_addresses(truenas, session_of):
    truenas.world.add_container("px-web")
    backend = detect_backend(session_of("CONTAINER_READ"))

    found = backend.list("px-")

    assert [(each.name, each.status, each.addresses) for each in found] == [("px-web", "running", ())]
    assert truenas.stats.calls["core.download"] == 0


def test_an_address_that_cannot_be_read_is_not_known_and_no_failure(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_call", method="core.download", times=9, errno=2, reason="[ENOENT] gone")

    assert backend.find("px-web").addresses == ()


def test_an_address_whose_reply_breaks_off_is_requested_again(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("drop_before_reply", method="core.download")

    [found] = backend.list("px-")

    assert found.ipv4 == domain(truenas).aliases[0]["address"]


def test_one_is_found_by_its_whole_name_only(backend, truenas):
    truenas.world.add_container("px-web2", status="STOPPED")

    assert backend.find("px-web2").status == "stopped"
    assert backend.find("px-web") is None


# making


def test_a_new_one_is_stopped_and_as_it_was_asked_for(backend, truenas):
    new = NewContainer(
        "px-web",
        "ubuntu/24.04",
        cpu="0-1",
        environment={"GREETING": "hello"},
        metadata=Metadata(image="ubuntu/24.04", labels={"role": "front"}),
        pool="fast",
    )

    made = backend.create(new, timeout=WITHIN)

    assert (made.status, made.autostart, made.pool, made.cpu) == ("stopped", False, "fast", "0-1")
    assert (made.environment, made.metadata) == (new.environment, new.metadata)
    assert made.image == Image("Ubuntu", "noble", "default")
    assert backend.find("px-web") == made
    assert domain(truenas).base_image == "ubuntu:noble:amd64:default:20250601_05:24"


def test_it_gets_a_card_whose_mac_stays(backend, truenas):
    backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)

    [card] = [each.attributes for each in domain(truenas).devices]
    assert (card["dtype"], card["type"], card["nic_attach"]) == ("NIC", "VIRTIO", "truenasbr0")
    assert card["mac"].startswith("00:a0:98:")


def test_it_is_attached_where_it_was_asked_for(backend, truenas):
    backend.create(NewContainer(WEB, "debian/12", nic=Nic("eno1")), timeout=WITHIN)

    assert backend.nic("px-web") == Nic("eno1", "macvlan")
    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["eno1"]


@pytest.fixture
def broken_off(session, truenas):
    """A container whose making ended after its maker had given up."""

    class Impatient:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_job(self, method, *params, timeout=None, progress=None):
            session.run_job(method, *params, timeout=timeout, progress=progress)
            raise TimedOut(f"{method} did not end: the job goes on")

    new = NewContainer(WEB, "debian/12", nic=Nic("eno1"), metadata=Metadata(owner="ann", pending="autostart"))
    with pytest.raises(TimedOut):
        LxcBackend(Impatient(), None).create(new, timeout=WITHIN)
    assert domain(truenas).devices == []


def test_one_that_was_made_after_we_gave_up_is_attached_before_it_starts(backend, truenas, broken_off):
    backend.update("px-web", {"environment": {}, "metadata": Metadata(owner="ann")}, timeout=WITHIN)

    backend.start("px-web", timeout=WITHIN)

    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["eno1"]
    assert backend.find("px-web").metadata == Metadata(owner="ann")


def test_one_that_was_attached_elsewhere_meanwhile_stays_so(backend, truenas, broken_off):
    backend.set_nic("px-web", Nic("truenasbr0", "bridged"))

    backend.start("px-web", timeout=WITHIN)

    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["truenasbr0"]


def test_one_that_ran_before_is_not_attached_again(backend, truenas):
    backend.create(NewContainer(WEB, "debian/12", nic=Nic("eno1")), timeout=WITHIN)
    backend.start("px-web", timeout=WITHIN)
    backend.stop("px-web", graceful=30, timeout=WITHIN)
    domain(truenas).devices.clear()

    backend.start("px-web", timeout=WITHIN)

    assert domain(truenas).devices == []


def test_what_it_was_to_be_attached_to_is_noted_no_longer_than_needed(backend, truenas):
    backend.create(NewContainer(WEB, "debian/12", metadata=Metadata(owner="ann")), timeout=WITHIN)

    backend.update("px-web", {"environment": {}, "metadata": Metadata(owner="ann")}, timeout=WITHIN)

    assert domain(truenas).description == 'pixels.truenas: {"owner": "ann"}'


def test_one_that_cannot_be_attached_leaves_nothing_behind(backend, truenas):
    with pytest.raises(Invalid, match="Not a valid choice"):
        backend.create(NewContainer(WEB, "debian/12", nic=Nic("eno9")), timeout=WITHIN)

    assert truenas.world.containers == {}
    assert not truenas.world.storage.zfs.exists("tank/.truenas_containers/containers/px-web")


def test_one_that_stays_all_the_same_is_reported(backend, truenas):
    truenas.faults.add("fail_call", method="container.delete", errno=14, reason="[EFAULT] bad luck")

    with pytest.raises(Invalid, match="Not a valid choice.*px-web was created nevertheless.*bad luck.*state: absent"):
        backend.create(NewContainer(WEB, "debian/12", nic=Nic("eno9")), timeout=WITHIN)


def test_a_build_that_disappeared_after_it_was_listed_is_searched_for_again(backend, truenas, monkeypatch):
    def versions(_image):
        return ("20250602_05:24",) if truenas.stats.calls["container.create"] else ("20250601_05:24",)

    monkeypatch.setattr("tests.simulator.images.Image.versions", property(versions))

    backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)

    assert domain(truenas).base_image == "debian:bookworm:amd64:default:20250602_05:24"


def test_a_download_that_fails_is_reported_where_there_is_no_newer_build(backend, truenas):
    text = "Failed to download image from https://images.example/root.tar.xz: 404 Client Error"
    truenas.faults.add("fail_job", method="container.create", errno=14, text=text)

    with pytest.raises(Refused, match="404 Client Error"):
        backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)

    assert truenas.stats.calls["container.create"] == 1
    assert truenas.world.containers == {}


def test_an_image_that_is_not_there_is_reported_before_anything_is_made(backend, truenas):
    with pytest.raises(Invalid, match="no image ubuntu/24.10.*Similar images: ubuntu/noble"):
        backend.create(NewContainer(WEB, "ubuntu/24.10"), timeout=WITHIN)

    assert truenas.stats.calls["container.create"] == 0


@pytest.mark.parametrize(("limit", "message"), [({"memory": 2**31}, "MemoryMax="), ({"cpu": "2"}, "set cpu: 0-1")])
def test_a_limit_that_cannot_be_is_refused_with_what_to_do_instead(backend, truenas, limit, message):
    with pytest.raises(Unsupported, match=message):
        backend.create(NewContainer(WEB, "debian/12", **limit), timeout=WITHIN)
    with pytest.raises(Unsupported, match=message):
        backend.reject_limits(**limit)

    assert truenas.world.containers == {}


def test_files_that_a_container_left_are_reported_with_what_to_do(backend, truenas):
    truenas.world.storage.zfs.add("tank/.truenas_containers/containers/px-web")

    with pytest.raises(Refused, match="still has the files of a deleted container.*zfs destroy -r"):
        backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)


def test_an_account_that_may_not_list_images_creates_nothing(truenas, session_of):
    backend = detect_backend(session_of("CONTAINER_DEVICE_WRITE", "LXC_CONFIG_READ"))

    with pytest.raises(NotPermitted, match="CONTAINER_IMAGE_WRITE"):
        backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)

    assert truenas.world.containers == {}


# changing


def test_settings_change_alone(backend, truenas):
    truenas.world.add_container("px-web", environment={"A": "1"}, cpu=None)
    domain(truenas).description = "Ask Ann"

    backend.update("px-web", {"cpu": "2-2", "autostart": True}, timeout=WITHIN)

    web = domain(truenas)
    assert (web.cpu, web.autostart, web.environment, web.description) == ("2", True, {"A": "1"}, "Ask Ann")
    assert backend.find("px-web").cpu == "2-2"


def test_variables_and_notes_change_and_a_persons_text_stays(backend, truenas):
    truenas.world.add_container("px-web", environment={"A": "1"})
    domain(truenas).description = "Ask Ann"

    backend.update("px-web", {"environment": {"B": "2"}, "metadata": Metadata(owner="bob")}, timeout=WITHIN)

    assert domain(truenas).environment == {"B": "2"}
    assert domain(truenas).description == 'Ask Ann\npixels.truenas: {"owner": "bob"}'
    assert backend.find("px-web").metadata == Metadata(owner="bob")


@pytest.mark.parametrize("settings", [{"memory": 2**31}, {"cpu": "4"}])
def test_a_change_that_cannot_be_changes_nothing(backend, truenas, settings):
    truenas.world.add_container("px-web", cpu="0-1")

    with pytest.raises(Unsupported):
        backend.update("px-web", {**settings, "autostart": True}, timeout=WITHIN)

    assert (domain(truenas).cpu, domain(truenas).autostart) == ("0-1", False)


# running


def test_one_starts_and_stops(backend, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    backend.start("px-web", timeout=WITHIN)
    started = domain(truenas).status
    backend.stop("px-web", graceful=30, timeout=WITHIN)

    assert (started, domain(truenas).status) == ("RUNNING", "STOPPED")


def test_what_is_so_already_is_not_asked_for(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-new", status="STOPPED")

    backend.start("px-web", timeout=WITHIN)
    backend.stop("px-new", graceful=30, timeout=WITHIN)
    backend.stop("px-new", graceful=0, force=True, timeout=WITHIN)

    assert {"container.start", "container.stop"}.isdisjoint(truenas.stats.methods_called)


def test_one_that_another_user_started_meanwhile_is_no_failure(truenas, session):
    truenas.world.add_container("px-web")

    class Late:
        """Sees a container as it was a moment ago, once."""

        def __getattr__(self, name):
            return getattr(session, name)

        def read(self, method, *params, timeout=None):
            rows = session.read(method, *params, timeout=timeout)
            if method == "container.query" and truenas.stats.calls[method] == 1:
                rows[0]["status"] = {"state": "STOPPED", "pid": None, "domain_state": "SHUTOFF"}
            return rows

    LxcBackend(Late(), None).start("px-web", timeout=WITHIN)

    assert truenas.stats.calls["container.start"] == 1


def test_one_that_was_stopped_meanwhile_is_no_failure(truenas, session):
    truenas.world.add_container("px-web", status="STOPPED")

    class Late:
        def __getattr__(self, name):
            return getattr(session, name)

        def read(self, method, *params, timeout=None):
            rows = session.read(method, *params, timeout=timeout)
            if method == "container.query" and truenas.stats.calls[method] == 1:
                rows[0]["status"] = {"state": "RUNNING", "pid": 1, "domain_state": "RUNNING"}
            return rows

    LxcBackend(Late(), None).stop("px-web", graceful=30, timeout=WITHIN)

    assert truenas.stats.calls["container.stop"] == 1


def test_a_start_that_fails_is_reported(backend, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    backend.set_nic("px-web", Nic("eno1"))
    domain(truenas).devices[0].attributes["nic_attach"] = "eno9"

    with pytest.raises(Refused, match="Device eno9 is not available"):
        backend.start("px-web", timeout=WITHIN)


@pytest.mark.parametrize(("graceful", "asked"), [(30, 30), (1, 5), (0.2, 5), (12.5, 13), (4000, 300)])
def test_it_is_given_the_time_that_was_asked_for_and_then_has_its_own_again(backend, truenas, graceful, asked):
    truenas.world.add_container("px-web")
    seen = []
    truenas.world.engine.stop = recording(
        truenas.world.engine.stop, lambda: seen.append(domain(truenas).shutdown_timeout)
    )

    backend.stop("px-web", graceful=graceful, timeout=WITHIN)

    assert seen == [asked]
    assert domain(truenas).shutdown_timeout == 90


def recording(original, note):
    async def stop(*arguments, **options):
        note()
        return await original(*arguments, **options)

    return stop


def test_one_that_does_not_listen_is_reported_and_keeps_its_setting(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="container.stop")

    with pytest.raises(TimedOut, match="px-web on .* did not stop: it is still running after 30 s"):
        backend.stop("px-web", graceful=30, timeout=WITHIN)

    assert (domain(truenas).status, domain(truenas).shutdown_timeout) == ("RUNNING", 90)


def test_a_stop_that_fails_is_reported_and_the_setting_is_put_back(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("fail_job", method="container.stop", errno=14, text="bad luck")

    with pytest.raises(Refused, match="bad luck"):
        backend.stop("px-web", graceful=30, timeout=WITHIN)

    assert domain(truenas).shutdown_timeout == 90


def test_one_that_does_not_listen_can_be_killed(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="container.stop")

    backend.stop("px-web", graceful=30, force=True, timeout=WITHIN)

    assert domain(truenas).status == "STOPPED"


def test_a_restart_is_a_stop_and_a_start(backend, truenas):
    truenas.world.add_container("px-web")
    pid = domain(truenas).pid

    backend.restart("px-web", graceful=30, timeout=WITHIN)

    assert domain(truenas).status == "RUNNING"
    assert domain(truenas).pid != pid


def test_one_that_does_not_listen_is_not_restarted(backend, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="container.stop")

    with pytest.raises(TimedOut):
        backend.restart("px-web", graceful=30, timeout=WITHIN)

    assert truenas.stats.calls["container.start"] == 0


def test_a_running_one_is_stopped_before_it_is_deleted(backend, truenas):
    truenas.world.add_container("px-web")

    backend.delete("px-web", timeout=WITHIN)

    assert truenas.world.containers == {}
    called = truenas.stats.methods_called
    assert called.index("container.stop") < called.index("container.delete")


@pytest.mark.parametrize(
    "what",
    [
        lambda backend: backend.start("px-web", timeout=WITHIN),
        lambda backend: backend.stop("px-web", graceful=5, timeout=WITHIN),
        lambda backend: backend.restart("px-web", graceful=5, timeout=WITHIN),
        lambda backend: backend.update("px-web", {"autostart": True}, timeout=WITHIN),
        lambda backend: backend.delete("px-web", timeout=WITHIN),
        lambda backend: backend.nic("px-web"),
        lambda backend: backend.set_nic("px-web", Nic("eno1")),
        lambda backend: backend.rootfs("px-web"),
        lambda backend: backend.shell("px-web"),
    ],
    ids=["start", "stop", "restart", "update", "delete", "nic", "set_nic", "rootfs", "shell"],
)
def test_what_is_not_there_is_reported_by_its_name(backend, what):
    with pytest.raises(NotFound, match="there is no container 'px-web' on "):
        what(backend)


# its surroundings


def test_one_without_a_card_of_its_own_has_none(backend, truenas):
    truenas.world.add_container("px-web")

    assert backend.nic("px-web") is None


def test_another_interface_leaves_its_mac(backend, truenas):
    backend.create(NewContainer(WEB, "debian/12"), timeout=WITHIN)
    before = dict(domain(truenas).devices[0].attributes)

    backend.set_nic("px-web", Nic("eno1"))

    assert [each.attributes for each in domain(truenas).devices] == [{**before, "nic_attach": "eno1"}]
    assert backend.nic("px-web") == Nic("eno1", "macvlan")


def test_one_without_a_card_gets_one(backend, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    backend.set_nic("px-web", Nic("truenasbr0", "bridged"))

    assert backend.nic("px-web") == Nic("truenasbr0", "bridged")


def test_interfaces_are_reported_by_what_attaches_to_them(backend):
    assert backend.parents("bridged")[0] == "truenasbr0"
    assert "eno1" in backend.parents("macvlan")
    assert "eno1" not in backend.parents("bridged")


def test_the_preferred_pool_comes_first(backend, truenas, session):
    truenas.world.default_pool = "tank"
    preferred = backend.pools()
    truenas.world.default_pool = None

    assert preferred == ("tank", "fast")
    assert backend.dataset() == "tank/.truenas_containers"
    assert detect_backend(session).pools() == ("fast", "tank")


def test_the_files_are_where_the_nas_mounts_them(backend, truenas):
    truenas.world.add_container("px-web", storage_pool="fast")

    assert backend.rootfs("px-web") == "/mnt/.truenas_containers/fast/containers/px-web"


def test_a_shell_is_asked_for_by_number_and_line(backend, truenas):
    truenas.world.add_container("px-web")

    assert backend.shell("px-web") == {"container_id": domain(truenas).id, "command": "exec /bin/sh"}


# what an operation that was broken off left undone


def test_a_card_that_was_not_attached_is_reported_and_attached(backend, truenas):
    web = truenas.world.add_container("px-web", status="STOPPED")
    web.description = 'pixels.truenas: {"card": "truenasbr0"}'
    unfinished = backend.find("px-web").unfinished

    backend.finish("px-web")

    assert unfinished == ("network card",)
    assert [device.attributes["nic_attach"] for device in web.devices] == ["truenasbr0"]
    assert backend.find("px-web").unfinished == ()


def test_a_shutdown_timeout_that_was_not_put_back_is_reported_and_put_back(backend, truenas):
    web = truenas.world.add_container("px-web")
    web.shutdown_timeout, web.description = 30, 'pixels.truenas: {"owner": "ann", "shutdown_timeout": 90}'
    unfinished = backend.find("px-web").unfinished

    backend.finish("px-web")

    assert unfinished == ("shutdown timeout of 90 s",)
    assert (web.shutdown_timeout, web.description) == (90, 'pixels.truenas: {"owner": "ann"}')
    assert backend.find("px-web").unfinished == ()


def test_a_change_of_notes_keeps_what_is_still_to_be_put_back(backend, truenas):
    web = truenas.world.add_container("px-web")
    web.description = 'pixels.truenas: {"shutdown_timeout": 90}'

    backend.update("px-web", {"environment": {}, "metadata": Metadata(owner="ann")}, timeout=WITHIN)

    assert web.description == 'pixels.truenas: {"owner": "ann", "shutdown_timeout": 90}'


def test_where_nothing_was_left_nothing_is_done(backend, truenas):
    truenas.world.add_container("px-web")

    backend.finish("px-web")

    assert backend.find("px-web").unfinished == ()
    assert truenas.stats.calls["container.update"] == 0
