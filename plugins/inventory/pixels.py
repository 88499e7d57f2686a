# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the pixels of one or more NAS boxes as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pixels
short_description: Pixels of TrueNAS hosts as an inventory
version_added: 1.0.0
description:
  - Lists the pixels of one or more TrueNAS hosts, by one query for each host, whatever the number of pixels.
  - The file's name ends in C(.pixels.yml) or C(.pixels.yaml).
  - Hosts have the bare names of the pixels, unless O(hostname) says otherwise.
  - Hosts are in the group C(pixels), and in groups by status (C(pixels_status_running)), NAS, image, fleet, owner
    and label.
  - Every host has what is known of it in variables that begin with C(pixels_), and the way to its NAS in variables
    that begin with C(pixels_nas_), which the modules of this collection use. No key or password is among them.
  - Any option may be a template. Extra variables are known in it, those of hosts are not.
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
      - Several NAS boxes, each a dictionary of connection options; what one leaves out comes from the file's options.
      - They are asked at the same time.
      - Left out, the options of the file name the only one.
    type: list
    elements: dict
    default: []
  on_error:
    description:
      - What to do when a NAS cannot be asked. V(fail) fails, V(warn) goes on without its pixels,
        V(use_stale_cache) takes them as they were when it last could be, and fails where it never was.
    type: str
    choices: [fail, warn, use_stale_cache]
    default: fail
  hostname:
    description:
      - What a host is called, V(web) for V(name), V(px-web) for V(full_name), V(web.nas1.example.org) for V(name.nas).
      - A name that an earlier NAS in the list has too gets the name of its NAS with it, and a warning says so. Which
        pixel is V(web) then depends on which boxes answer; with several boxes, V(name.nas) always means the same one.
      - A pixel called V(localhost), V(all) or V(ungrouped) has its full name, since Ansible means something else by it.
    type: str
    choices: [name, full_name, name.nas]
    default: name
  status:
    description:
      - Only pixels of which the NAS says one of these, such as V(running).
      - Left out, all of them.
    type: list
    elements: str
    default: []
  names:
    description:
      - Only pixels whose name matches one of these patterns, such as V(agent-*).
      - Left out, all of them.
    type: list
    elements: str
    default: []
  connect_with:
    description:
      - How tasks get into the pixels. With V(ssh), by Ansible's own SSH, to the addresses that the NAS reports.
      - With V(shell), through the shell of the NAS, by the connection plugin P(pixels.truenas.pixels#connection); that
        takes no address, no SSH server and no key. With V(auto), by the same plugin, over SSH where a server answers.
    type: str
    choices: [ssh, shell, auto]
    default: ssh
  connect_timeout:
    description:
      - Seconds to wait for a connection.
      - Left out, E(PIXELS_CONNECT_TIMEOUT) or the configuration file is used, else 5, since every command waits for it.
    type: float
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - constructed
  - inventory_cache
"""

EXAMPLES = r"""
# fleet.pixels.yml: the NAS and the key come from PIXELS_TRUENAS_HOST and PIXELS_TRUENAS_API_KEY.
plugin: pixels.truenas.pixels

---
# two.pixels.yml: the running agents of two boxes, in groups of our own as well.
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
"""

import contextlib
import fnmatch
import gc
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import LIBRARIES
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CONNECTION, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import connected
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    grouping,
    host_keys,
    last_listing,
    names,
    settings,
    show,
)

Values = dict[str, t.Any]
SUFFIXES = (".pixels.yml", ".pixels.yaml")
# A NAS that is off should not keep a play from starting for long.
USUAL = {"connect_timeout": 5.0}
# Rendered for each host, not once.
EXPRESSIONS = {"compose", "groups", "keyed_groups"}
TEMPLATE_MARKS = ("{{", "{%", "{#")


class Host(t.NamedTuple):
    """A host as it goes into the inventory."""

    name: str
    groups: list[str]
    variables: Values

    def beside_another(self) -> Host:
        """The same host where a pixel of another NAS has its name already."""
        return self._replace(name=grouping.name_on_nas(self.name, self.variables["pixels_nas"]))


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "pixels.truenas.pixels"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(SUFFIXES)

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: Values | None = None) -> None:
        # Rendered before their types are checked, or no number could be a template.
        super().set_options(task_keys, var_options, self._rendered(direct or {}))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:  # noqa: FBT001,FBT002 (Ansible's signature)
        super().parse(inventory, loader, path, cache)
        for library, trace in LIBRARIES.items():
            if trace:
                raise AnsibleError(missing_required_lib(library))
        self._read_config_data(path)
        self._cache_key, self._cache_will_do = self.get_cache_key(path), cache
        with without_collecting_garbage():
            found = self._ask_all()
            hosts = unambiguous(found)
            self._tell_of_new_names(found, hosts)
            for host in hosts:
                self._add(host)

    def _rendered(self, options: Values) -> Values:
        self.templar.available_variables = self._vars
        rendered = dict(options)
        for name in options.keys() - EXPRESSIONS:
            try:
                rendered[name] = self.templar.template(options[name])
            except AnsibleError as error:
                # By its name alone: Ansible would show the lines around it, and one of them could be the API key.
                raise AnsibleParserError(f"the option {name} cannot be rendered: {error}") from None
        return rendered

    def _ask_all(self) -> list[Host]:
        """The boxes one beside the other; the first error is the one that is told."""
        boxes = [checked(box) for box in self.get_option("nas")] or [{}]
        shared = {name: self.get_option(name) for name in settings.SETTINGS if self.has_option(name)}
        with ThreadPoolExecutor(max_workers=len(boxes)) as pool:
            answers = list(pool.map(lambda box: self._ask(own_first(box, shared)), boxes))
        return [host for hosts in answers for host in hosts]

    def _ask(self, options: Values) -> list[Host]:
        """The hosts of one NAS."""
        try:
            found = settings.survey(options.get, usual=USUAL)
            settled = settings.settle(found)
            listing = self._listing(options, settled)
        except PixelsError as error:
            if self.get_option("on_error") == "warn":
                self.display.warning(f"no pixels are listed of one NAS: {error}")
                return []
            raise AnsibleParserError(f"the pixels could not be listed: {error}") from None
        nas = grouping.way_to_the_nas(found, settled)
        keys = host_keys.HostKeys()
        return [
            Host(
                grouping.host_name(shown, self.get_option("hostname")),
                grouping.groups(shown),
                {
                    **grouping.variables(shown, nas),
                    **grouping.connection_variables(self.get_option("connect_with"), shown, settled, keys),
                },
            )
            for shown in listing
            if self._wanted(shown)
        ]

    def _listing(self, options: Values, settled: settings.Settings) -> list[Values]:
        """All pixels of one NAS; as they were last seen, where that is allowed and the NAS does not answer."""
        stale_will_do = self.get_option("on_error") == "use_stale_cache"
        last = last_listing.LastListing(settled.endpoint.nas, settled.credential.username)
        try:
            listing = self._fresh_listing(options, settled)
        except PixelsError as error:
            remembered = last.read() if stale_will_do else None
            if remembered is None:
                raise
            self.display.warning(f"these are the pixels of {settled.endpoint.nas} as they last were: {error}")
            return remembered
        if stale_will_do:
            last.write(listing)
        return listing

    def _fresh_listing(self, options: Values, settled: settings.Settings) -> list[Values]:
        """All pixels of one NAS, from Ansible's cache while it is on and fresh, else from the NAS.

        Into the cache goes only what a NAS said, under its own name: another NAS or filter in the same file's options
        gets no hosts that are not its own, and a NAS that did not answer is not remembered as an empty one.
        """
        if not self.get_option("cache"):
            return self._ask_nas(options)
        identity = last_listing.identity(settled.endpoint.nas, settled.credential.username)
        key = f"{self._cache_key}_{identity}"
        if not (self._cache_will_do and key in self._cache):
            self._cache[key] = self._ask_nas(options)
        return self._cache[key]

    def _ask_nas(self, options: Values) -> list[Values]:
        with connected(options.get, notice=self._notice, usual=USUAL) as (pixels, _settled):
            return [show.container(found, pixels) for found in pixels.list()]

    def _notice(self, text: str) -> None:
        # Not where ansible-inventory prints its JSON.
        self.display.display(text, stderr=True)

    def _wanted(self, shown: Values) -> bool:
        statuses, patterns = [each.lower() for each in self.get_option("status")], self.get_option("names")
        return (not statuses or shown["status"] in statuses) and (
            not patterns or any(fnmatch.fnmatchcase(shown["name"], names.bare_name(pattern)) for pattern in patterns)
        )

    def _tell_of_new_names(self, found: list[Host], hosts: list[Host]) -> None:
        new = sorted({host.name for host in hosts} - {host.name for host in found})
        if new:
            self.display.warning(
                "several NAS boxes have pixels of the same name, so these carry the name of their NAS: "
                f"{', '.join(new)}. Set hostname: name.nas to call every pixel that way."
            )

    def _add(self, host: Host) -> None:
        self.inventory.add_host(host.name)
        for group in host.groups:
            self.inventory.add_group(group)
            self.inventory.add_child(group, host.name)
        variables = {name: trusted(value) for name, value in host.variables.items()}
        for name, value in variables.items():
            self.inventory.set_variable(host.name, name, value)
        self._construct(host.name, variables)

    def _construct(self, name: str, variables: Values) -> None:
        """Composed variables and groups; each costs about a millisecond a host, so nothing is done where none are."""
        strict = self.get_option("strict")
        if self.get_option("compose"):
            self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        if self.get_option("groups"):
            self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        if self.get_option("keyed_groups"):
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


@contextlib.contextmanager
def without_collecting_garbage() -> t.Iterator[None]:
    """All that is made here stays, and looking through it for garbage takes the longer the more there is."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def checked(box: Values) -> Values:
    """The options of one NAS with their types; options that do not exist are refused."""
    result = ArgumentSpecValidator({**CONNECTION, **SSH}).validate(box)
    if result.error_messages:
        raise AnsibleParserError(f"nas: {'; '.join(result.error_messages)}")
    return {name: value for name, value in result.validated_parameters.items() if value is not None}


def own_first(box: Values, shared: Values) -> Values:
    """The options of one NAS, its own before those of the file; a credential of its own is not mixed with another."""
    left_out = settings.SECRETS if any(box.get(name) for name in settings.SECRETS) else ()
    return {**{name: value for name, value in shared.items() if name not in left_out}, **box}


def unambiguous(hosts: t.Iterable[Host]) -> list[Host]:
    """The hosts, each with a name of its own; one that is there twice, because its NAS is listed twice, comes once."""
    found: dict[str, Host] = {}
    for host in hosts:
        first = found.setdefault(host.name, host)
        if first.variables["pixels_nas"] != host.variables["pixels_nas"]:
            other = host.beside_another()
            found.setdefault(other.name, other)
    return list(found.values())


def trusted(value: t.Any) -> t.Any:
    """The same value, its plain texts marked as such.

    ansible-core wraps texts of plugins in C(ansible-inventory --list) unless they are trusted. A text in which somebody
    put a template, such as an image's description, stays untrusted and is never rendered.
    """
    if isinstance(value, str):
        return value if any(mark in value for mark in TEMPLATE_MARKS) else trust_as_template(value)
    if isinstance(value, list):
        return [trusted(each) for each in value]
    if isinstance(value, dict):
        return {name: trusted(each) for name, each in value.items()}
    return value
