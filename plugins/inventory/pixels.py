# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the pixels of one or more NAS as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pixels
short_description: Use the pixels of TrueNAS hosts as an inventory
version_added: 1.0.0
description:
  - Lists the pixels of one or more TrueNAS hosts, with one query for each host.
  - The name of the inventory file must end in C(.pixels.yml) or C(.pixels.yaml).
  - Hosts have the bare names of the pixels by default; see O(hostname).
  - All hosts are in the group C(pixels), and in groups by status (C(pixels_status_running)), NAS, image, fleet, owner
    and label.
  - The variables of a host that begin with C(pixels_) describe the pixel. Those that begin with C(pixels_nas_) describe
    the connection to its NAS, and the modules of this collection use them. They never contain an API key or a password.
  - C(ansible_host) is a variable of the host. The user, the port, the key and the arguments of SSH are variables of the
    group of the NAS, so that variables in C(group_vars) override them.
  - Any option can be a template. Templates can use extra variables, but no variables of hosts.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  plugin:
    description: V(pixels.truenas.pixels), or V(pixels).
    type: str
    required: true
    choices: [pixels.truenas.pixels, pixels]
  nas:
    description:
      - List of NAS, each a dictionary of connection options. An option that an entry does not set is taken from the
        options of the file.
      - All NAS are queried at the same time.
      - Defaults to the one NAS that the options of the file describe.
    type: list
    elements: dict
    default: []
  on_error:
    description:
      - What to do if a NAS cannot be queried.
      - With V(fail), the inventory fails.
      - With V(warn), the inventory has no pixels of that NAS, and a warning gives the reason.
      - With V(use_stale_cache), the inventory has the pixels of the last successful query, and a warning gives the
        reason. Without a successful query before, the inventory fails.
    type: str
    choices: [fail, warn, use_stale_cache]
    default: fail
  hostname:
    description:
      - Names of the hosts, V(web) for V(name), V(px-web) for V(full_name), V(web.nas1.example.org) for V(name.nas).
      - If an earlier NAS in the list has a pixel of the same name, the name of the NAS is added, with a warning. Which
        pixel is V(web) then depends on which NAS respond. With several NAS, use V(name.nas) for names that always mean
        the same pixel.
      - A pixel with the name of a group, such as V(pixels) or V(all), or with the name V(localhost), has its full name,
        with a warning, because Ansible uses its name for something else.
    type: str
    choices: [name, full_name, name.nas]
    default: name
  status:
    description:
      - Statuses to include, such as V(running).
      - Defaults to all statuses.
    type: list
    elements: str
    choices: [running, stopped, unknown, error, frozen, suspended, starting, stopping, freezing, thawed, aborting]
    default: []
  names:
    description:
      - Patterns of the names of pixels to include, such as V(agent-*).
      - Defaults to all names.
    type: list
    elements: str
    default: []
  connect_with:
    description:
      - How Ansible connects to the pixels.
      - With V(ssh), Ansible's own C(ssh) connection plugin connects to the addresses that the NAS reports. For a pixel
        without an address, the connection plugin P(pixels.truenas.pixels#connection) queries the NAS again and uses
        SSH; without one, the host is unreachable.
      - With V(shell), the connection plugin P(pixels.truenas.pixels#connection) uses the web shell of the NAS, which
        requires no address, SSH server or key.
      - With V(auto), the same plugin uses SSH if an SSH server responds, and otherwise the web shell.
    type: str
    choices: [ssh, shell, auto]
    default: ssh
  jump_host:
    description:
      - Host through which SSH connects to the pixels, as in C(ProxyJump) of OpenSSH, such as
        V(ops@bastion.example.org:2222). Separate several hosts with commas. Requires O(connect_with=ssh).
      - Sets C(ansible_ssh_common_args) of the group of the NAS.
    type: str
  connect_timeout:
    description:
      - Seconds to wait for a connection.
      - Defaults to E(PIXELS_CONNECT_TIMEOUT), then the configuration file, then 5, because every command waits for its
        inventory.
    type: float
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - constructed
  - inventory_cache
"""

EXAMPLES = r"""
# fleet.pixels.yml: PIXELS_TRUENAS_HOST and PIXELS_TRUENAS_API_KEY set the NAS and the API key.
plugin: pixels.truenas.pixels

---
# two.pixels.yml: the running agents of two NAS, with groups by pool.
plugin: pixels.truenas.pixels
username: ansible
nas:
  - host: nas1.example.org
    api_key_file: ~/.config/pixels/nas1.key
  - host: nas2.example.org
    api_key: "{{ lookup('ansible.builtin.env', 'NAS2_KEY') }}"
status: [running]
names: ["agent-*"]
hostname: name.nas
on_error: warn
keyed_groups:
  - key: pixels_pool
    prefix: pool

---
# far.pixels.yml: pixels behind a jump host.
plugin: pixels.truenas.pixels
jump_host: ops@bastion.example.org
"""

import contextlib
import os
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible import context
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ansible_collections.pixels.truenas.plugins.module_utils._ansible import (
    inventory_groups,
    inventory_hosts,
    inventory_variables,
    last_listing,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_file import (
    NAS_OPTIONS,
    SUFFIXES,
    merged,
    names_plugin,
    validated,
    with_lower_case_statuses,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_hosts import Host, Nas
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.last_listing import LastListing, Listing
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import LIBRARIES
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import connected
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import Redactor
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import TEXT_LIMIT, safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import resolver, schema, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.plugin_utils.garbage_collection import without_garbage_collection
from ansible_collections.pixels.truenas.plugins.plugin_utils.trust import trusted

Options = dict[str, t.Any]

DEFAULTS = {"connect_timeout": 5.0}
"""Defaults that differ from those of modules: every command waits for its inventory."""

EXPRESSIONS = {"compose", "groups", "keyed_groups"}
"""Options that are rendered for each host."""

SETTINGS_ID = "pixels_settings_id"
"""Variable of the group of a NAS that identifies the settings of its other variables."""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin."""

    NAME = "pixels.truenas.pixels"

    def __init__(self) -> None:
        super().__init__()
        self._redactors: list[Redactor] = []

    def verify_file(self, path: str) -> bool:
        """Return whether a file is an inventory of this plugin, and warn if only its name is wrong."""
        if not super().verify_file(path):
            return False
        if path.endswith(SUFFIXES):
            return True
        if names_plugin(path):
            self._warn(
                f"{path} is not read: the name of an inventory of {self.NAME} must end in {' or '.join(SUFFIXES)}. "
                f"Rename it, for example to {os.path.splitext(os.path.basename(path))[0]}{SUFFIXES[0]}"
            )
        return False

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: Options | None = None) -> None:
        """Set the options of the file. Templates are rendered before types are checked, so that they can be numbers."""
        super().set_options(task_keys, var_options, with_lower_case_statuses(self._rendered(direct or {})))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:  # noqa: FBT001,FBT002 (Ansible's signature)
        """Add the pixels of all NAS to the inventory."""
        super().parse(inventory, loader, path, cache)
        for library, trace in LIBRARIES.items():
            if trace:
                raise AnsibleError(missing_required_lib(library))
        self._read_config_data(path)
        self._cache_key, self._use_cache = self.get_cache_key(path), cache
        with without_garbage_collection():
            found = inventory_hosts.without_duplicates(self._hosts_of_all(), self._warn)
            groups = {*self.inventory.groups, *map(self._sanitize_group_name, self.get_option("groups") or {})}
            hosts = inventory_hosts.without_group_names(found, groups, self.get_option("hostname"), self._warn)
            inventory_hosts.warn_of_shared_groups(hosts, self._warn, self._safe)
            nas_groups = inventory_groups.nas_groups(self._nas_names)
            connected_nas: dict[int, str | None] = {}
            for host in hosts:
                nas_group = nas_groups[host.nas.name]
                self._add(host, nas_group)
                if id(host.nas) not in connected_nas:
                    connected_nas[id(host.nas)] = self._set_connection(host.nas, nas_group)
                if other_group := connected_nas[id(host.nas)]:
                    self.inventory.add_child(other_group, host.name)
            for host in hosts:
                self._construct(host)

    def _rendered(self, options: Options) -> Options:
        self.templar.available_variables = self._vars
        rendered = dict(options)
        for name in options.keys() - EXPRESSIONS:
            try:
                rendered[name] = self.templar.template(options[name])
            except AnsibleError as error:
                # Without the cause, which shows lines of the file: one of them may be the API key.
                raise AnsibleParserError(f"the option {name} cannot be rendered: {error}") from None
        return rendered

    def _hosts_of_all(self) -> list[Host]:
        """Query all NAS at the same time. Raise the first error."""
        try:
            entries = [validated(entry) for entry in self.get_option("nas")] or [{}]
        except Invalid as error:
            raise AnsibleParserError(str(error)) from None
        shared = {name: self.get_option(name) for name in (*schema.SETTINGS, *NAS_OPTIONS) if self.has_option(name)}
        with ThreadPoolExecutor(max_workers=len(entries)) as pool:
            results = list(pool.map(lambda entry: self._hosts_of(merged(entry, shared)), entries))
        # In the order of the file, whether or not they responded.
        self._nas_names = [name for name, _hosts in results if name]
        return [host for _name, hosts in results for host in hosts]

    def _hosts_of(self, options: Options) -> tuple[str | None, list[Host]]:
        """Return the name of a NAS, if it is known, and its hosts."""
        name: str | None = None
        try:
            resolved = resolver.resolve(options.get, defaults=DEFAULTS)
            name = settings.build_endpoint(resolved).nas
            nas = Nas(options, resolved, settings.build(resolved))
            self._redactors.append(Redactor(nas.settings.credential))
            return name, self._hosts(nas, self._listing(nas))
        except PixelsError as error:
            if self.get_option("on_error") == "warn":
                self._warn(f"no pixels are listed of one NAS: {error}")
                return name, []
            raise AnsibleParserError(f"the pixels could not be listed: {error}") from None

    def _hosts(self, nas: Nas, listing: Listing) -> list[Host]:
        connection = inventory_variables.nas_variables(nas.resolved, nas.settings)
        connect_with = self.get_option("connect_with")
        keys = known_hosts.KnownHosts(warn=self._warn)
        if connect_with != "shell":
            with contextlib.suppress(Refused):
                keys.make_directory()
        return [
            Host(
                inventory_hosts.host_name(pixel, self.get_option("hostname")),
                inventory_groups.memberships(pixel),
                {
                    **inventory_variables.pixel_variables(pixel, connection),
                    **inventory_variables.host_variables(
                        connect_with, pixel, keys, key_file=nas.settings.ssh.key, fresh=listing.fresh
                    ),
                },
                nas,
            )
            for pixel in listing.rows
            if inventory_hosts.is_included(pixel, self.get_option("status"), self.get_option("names"))
        ]

    def _listing(self, nas: Nas) -> Listing:
        """Return all pixels of a NAS, or those of the last query if it does not respond and `on_error` allows that."""
        if self.get_option("on_error") != "use_stale_cache":
            return Listing(self._fresh_rows(nas))
        last = LastListing(nas.name, nas.settings.credential.username)
        return last.fresh_or_last(lambda: self._fresh_rows(nas), self._warn)

    def _fresh_rows(self, nas: Nas) -> last_listing.Rows:
        """Return all pixels of a NAS, from Ansible's cache if it is enabled and valid, else from the NAS.

        The cache only has what a NAS reported, under the name of the NAS and the account. So it never has pixels of
        another NAS or filtered ones, and no empty list of a NAS that did not respond.
        """
        if not self.get_option("cache"):
            return self._query(nas.options)
        key = f"{self._cache_key}_{last_listing.identity(nas.name, nas.settings.credential.username)}"
        if not (self._use_cache and key in self._cache):
            self._cache[key] = self._query(nas.options)
        return last_listing.valid(self._cache[key], nas.name, self._warn)

    def _query(self, options: Options) -> last_listing.Rows:
        with connected(options.get, notice=self._notice, defaults=DEFAULTS, warn=self._warn) as (pixels, _settings):
            return [serialize.container(container, pixels) for container in pixels.list()]

    def _notice(self, text: str) -> None:
        # Not to stdout, where `ansible-inventory` writes JSON.
        self.display.display(self._safe(text), stderr=True)

    def _warn(self, text: str) -> None:
        self.display.warning(self._safe(text))

    def _safe(self, text: str, *, limit: int = TEXT_LIMIT) -> str:
        """Return a text that may quote a NAS: without credentials of any NAS, and safe for a terminal."""
        for redact in self._redactors:
            text = redact(text)
        return safe_text(text, limit=limit)

    def _add(self, host: Host, nas_group: str) -> None:
        self.inventory.add_host(host.name)
        groups = [inventory_groups.group_name(), nas_group, *(membership.group for membership in host.groups)]
        for group in dict.fromkeys(groups):
            self.inventory.add_group(group)
            self.inventory.add_child(group, host.name)
        for name, value in host.variables.items():
            self.inventory.set_variable(host.name, name, trusted(value))

    def _set_connection(self, nas: Nas, group: str) -> str | None:
        """Set the variables that say how to access the pixels of a NAS, for the group of the NAS.

        If another inventory file set others for the same NAS, set them for a group of their own, and return its name.
        """
        variables = inventory_variables.group_variables(
            self.get_option("connect_with"),
            nas.settings,
            jump_host=nas.options.get("jump_host"),
            # `-u` and `remote_user` override the default.
            has_user=bool(context.CLIARGS.get("remote_user"))
            and nas.resolved.values["ssh_user"].source == resolver.DEFAULT,
        )
        settings_id = inventory_groups.fingerprint(repr((nas.name, sorted(variables.items()))))
        present: Options = self.inventory.groups[group].get_vars()
        if SETTINGS_ID not in present:
            # What another inventory file sets for the group is not changed.
            missing = {name: value for name, value in variables.items() if name not in present}
            self._set_group_variables(group, missing | {SETTINGS_ID: settings_id})
        if present.get(SETTINGS_ID, settings_id) == settings_id:
            return None
        other_group = f"{group}_{settings_id}"
        self.inventory.add_group(other_group)
        reset = {name: None for name in present if name in inventory_variables.CONNECTION_VARIABLES}
        self._set_group_variables(other_group, {**reset, **variables})
        return other_group

    def _set_group_variables(self, group: str, variables: Options) -> None:
        for name, value in variables.items():
            is_template = isinstance(value, str) and name.endswith("_extra_args")
            self.inventory.set_variable(group, name, trust_as_template(value) if is_template else trusted(value))

    def _construct(self, host: Host) -> None:
        """Add composed variables and groups. Each costs about a millisecond a host, so empty options are skipped."""
        strict = self.get_option("strict")
        constructors: tuple[tuple[str, t.Callable[..., None]], ...] = (
            ("compose", self._set_composite_vars),
            ("groups", self._add_host_to_composed_groups),
            ("keyed_groups", self._add_host_to_keyed_groups),
        )
        chosen = [(option, construct) for option, construct in constructors if self.get_option(option)]
        variables = {name: trusted(value) for name, value in host.variables.items()} if chosen else {}
        for option, construct in chosen:
            try:
                construct(self.get_option(option), variables, host.name, strict=strict)
            except AnsibleError as error:
                if strict:
                    # Without the cause, which Ansible would show unmasked.
                    raise AnsibleParserError(self._safe(str(error))) from None
                # A value of one pixel never breaks the inventory of the others.
                self._warn(f"{option} has no effect on the host {host.name}: {error}")
