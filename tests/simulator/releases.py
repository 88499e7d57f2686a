# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the TrueNAS releases the simulator plays: one value each, nothing else asks for a release."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from tests.simulator.domain import Domain
from tests.simulator.instance import Instance

if t.TYPE_CHECKING:
    from tests.simulator.container import Container
    from tests.simulator.layout import Layout


@dataclass(frozen=True)
class Release:
    """One release; a newer one is one more value in `RELEASES` with its methods registered for its `name`."""

    name: str
    """How the registry and the command line call it; the newest of a train has the name of the train."""
    version: str
    """`system.version_short`, and the name of its contract file."""
    api_versions: tuple[str, ...]
    """What `GET /api/versions` lists; the last one is `/api/current`."""

    container: type[Container]
    """Whose containers they are: Incus' (`virt.*`) or libvirt's (`container.*`)."""

    boot_id_path: bool
    """`GET /api/boot_id` exists."""
    message_ids: bool
    """Jobs carry the ids of the requests that started them."""
    job_results_as_replies: bool
    """`core.set_options` knows `legacy_jobs` and `private_methods`, and answers with all options."""
    bulk_rows_always_have_job_id: bool
    unknown_job_is_not_found: bool
    """An unknown job id is InstanceNotFound; before, a Python KeyError."""
    jobs_outlive_their_login: bool
    """A job stays visible to its owner after the connection that started it is gone."""
    ping_without_login: bool
    upload_files: int
    """How many `file` parts one upload may have."""
    resize_shell_is_public: bool
    shell_target: str
    """The option of `/websocket/shell` that names a container; with it goes how shells are opened."""

    snapshot_service: str
    """The public namespace of snapshots."""
    snapshot_noun: str
    """What get_instance calls a snapshot that does not exist."""
    privileged_mode: bool
    """Containers may be privileged, and rows say whether they are."""
    nullable_idmap: bool
    """A container without an id map does not break the whole query."""
    tolerates_unknown_status: bool
    """A status outside the enum is passed on; before, it breaks the whole query."""
    nic_mac: bool
    colon_macs: bool
    """The address of a NIC has colons, and is answered in lower case; before, dashes or nothing were taken as well."""
    protected_containers: bool
    """Datasets of containers are protected: no snapshot of one can be taken or changed, and listings hide them."""
    safe_deletion: bool
    """`container.delete` is a job that refuses first; before, a call that kills and forgets first."""
    start_errors_are_call_errors: bool
    renames_only_the_stopped: bool
    """A container must be stopped to be renamed; before, it only must not be running."""
    cdrom_devices: bool
    null_disk_source_crashes: bool
    """Creating with a DISK without source ends in a Python error before the validation is reported."""
    only_containers_start_with_the_nas: bool
    interface_state_has_lag_fields: bool
    volume_id_has_pool: bool
    """`virt.volume` calls a volume `<pool>_<name>`; before, by its name alone."""
    commit_detaches_veths: bool
    """A commit of the network takes the ports of running containers from all bridges of the NAS."""
    query_limit: int | None
    """The largest `limit` of a query; None is any."""

    scram: bool
    """Keys may log in without being sent."""
    reconnect_tokens: bool
    """A login may ask for a token for the next one."""
    otp_attempts: int
    """How many answers there are to the question for a second factor."""
    denies: bool
    """Valid credentials without a privilege get DENIED, not AUTH_ERR."""
    traces_have_frames: bool
    """Errors show the server's local variables."""
    idle_seconds: float
    """Seconds without data from the middleware after which nginx closes a connection."""
    calls_end_with_their_connection: bool
    """Calls that still run as a connection is closed are cancelled, except jobs."""
    file_paths_may_have_links: bool
    """Contents of files can be read and written through symlinks."""

    @property
    def layout(self) -> Layout:
        return self.container.layout

    @property
    def api(self) -> str:
        """The API version behind `/api/current`."""
        return self.api_versions[-1]

    @property
    def brand_version(self) -> str:
        """What `system.version` answers."""
        return f"TrueNAS-{self.version}"


FANGTOOTH = Release(
    name="25.04",
    version="25.04.2.6",
    api_versions=("v25.04.0", "v25.04.1", "v25.04.2"),
    container=Instance,
    boot_id_path=False,
    message_ids=False,
    job_results_as_replies=False,
    bulk_rows_always_have_job_id=False,
    unknown_job_is_not_found=False,
    jobs_outlive_their_login=True,
    ping_without_login=False,
    upload_files=1,
    resize_shell_is_public=False,
    shell_target="virt_instance_id",
    snapshot_service="zfs.snapshot",
    snapshot_noun="ZFSSnapshot",
    privileged_mode=False,
    nullable_idmap=False,
    tolerates_unknown_status=False,
    nic_mac=False,
    colon_macs=False,
    protected_containers=False,
    safe_deletion=False,
    start_errors_are_call_errors=False,
    renames_only_the_stopped=False,
    cdrom_devices=False,
    null_disk_source_crashes=True,
    only_containers_start_with_the_nas=False,
    interface_state_has_lag_fields=False,
    volume_id_has_pool=False,
    commit_detaches_veths=True,
    query_limit=None,
    scram=False,
    reconnect_tokens=False,
    otp_attempts=4,
    denies=False,
    traces_have_frames=True,
    idle_seconds=60.0,
    calls_end_with_their_connection=False,
    file_paths_may_have_links=True,
)

GOLDEYE = Release(
    name="25.10",
    version="25.10.6",
    api_versions=(
        *("v25.04.0", "v25.04.1", "v25.04.2"),
        *("v25.10.0", "v25.10.1", "v25.10.2", "v25.10.3", "v25.10.4", "v25.10.5"),
    ),
    container=Instance,
    boot_id_path=True,
    message_ids=True,
    job_results_as_replies=True,
    bulk_rows_always_have_job_id=True,
    unknown_job_is_not_found=True,
    jobs_outlive_their_login=False,
    ping_without_login=True,
    upload_files=5,
    resize_shell_is_public=True,
    shell_target="virt_instance_id",
    snapshot_service="pool.snapshot",
    snapshot_noun="PoolSnapshot",
    privileged_mode=True,
    nullable_idmap=True,
    tolerates_unknown_status=True,
    nic_mac=True,
    colon_macs=False,
    protected_containers=False,
    safe_deletion=False,
    start_errors_are_call_errors=False,
    renames_only_the_stopped=False,
    cdrom_devices=True,
    null_disk_source_crashes=False,
    only_containers_start_with_the_nas=True,
    interface_state_has_lag_fields=True,
    volume_id_has_pool=True,
    commit_detaches_veths=True,
    query_limit=10_000,
    scram=False,
    reconnect_tokens=False,
    otp_attempts=4,
    denies=False,
    traces_have_frames=True,
    idle_seconds=60.0,
    calls_end_with_their_connection=False,
    file_paths_may_have_links=True,
)

HALFMOON = Release(
    name="26",
    version="26.0.0-RC.1",
    api_versions=(
        *("v25.04.0", "v25.04.1", "v25.04.2"),
        *("v25.10.0", "v25.10.1", "v25.10.2", "v25.10.3", "v25.10.4"),
        "v26.0.0",
    ),
    container=Domain,
    boot_id_path=True,
    message_ids=True,
    job_results_as_replies=True,
    bulk_rows_always_have_job_id=True,
    unknown_job_is_not_found=True,
    jobs_outlive_their_login=False,
    ping_without_login=True,
    upload_files=5,
    resize_shell_is_public=True,
    shell_target="container_id",
    snapshot_service="pool.snapshot",
    snapshot_noun="PoolSnapshot",
    privileged_mode=True,
    nullable_idmap=True,
    tolerates_unknown_status=True,
    nic_mac=True,
    colon_macs=True,
    protected_containers=True,
    safe_deletion=True,
    start_errors_are_call_errors=True,
    renames_only_the_stopped=True,
    cdrom_devices=False,
    null_disk_source_crashes=False,
    only_containers_start_with_the_nas=True,
    interface_state_has_lag_fields=True,
    volume_id_has_pool=True,
    commit_detaches_veths=False,
    query_limit=10_000,
    scram=True,
    reconnect_tokens=True,
    otp_attempts=1,
    denies=True,
    traces_have_frames=False,
    idle_seconds=3600.0,
    calls_end_with_their_connection=True,
    file_paths_may_have_links=False,
)

HALFMOON_BETA = replace(
    HALFMOON,
    name="26.0.0-BETA.3",
    version="26.0.0-BETA.3",
    colon_macs=False,
    protected_containers=False,
    safe_deletion=False,
    start_errors_are_call_errors=False,
    renames_only_the_stopped=False,
)
"""The API version is that of the candidate, which changed it (middleware 97c6b5252e, 3b654bc0d0 and 55d6b281aa)."""

RELEASES: dict[str, Release] = {release.name: release for release in (FANGTOOTH, GOLDEYE, HALFMOON_BETA, HALFMOON)}
EVERY = tuple(RELEASES)
SINCE_GOLDEYE = tuple(name for name in EVERY if name != FANGTOOTH.name)
INCUS_HAS = tuple(name for name, release in RELEASES.items() if release.container is Instance)
"""The releases with `virt.*`."""
LIBVIRT_HAS = tuple(name for name, release in RELEASES.items() if release.container is Domain)
"""The releases with `container.*`."""
