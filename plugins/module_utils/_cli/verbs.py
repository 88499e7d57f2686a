# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the command: their help texts, their options and the functions that run them."""

from __future__ import annotations

import argparse

from ansible_collections.pixels.truenas.plugins.module_utils._cli.base_parser import bases_options
from ansible_collections.pixels.truenas.plugins.module_utils._cli.create_options import (
    create_options,
    egress_lists,
    wait_option,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli.verb_parser import (
    Verb,
    VerbParser,
    add_actions,
    clones_option,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.statuses import STATUSES
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.schema import EGRESS_MODES


def no_options(_own: VerbParser) -> None:
    """Add nothing."""


def names(own: VerbParser) -> None:
    """Add names, of which at least one or `--all` is required."""
    optional_names(own)
    own.set_defaults(needs_names=True)


def optional_names(own: VerbParser) -> None:
    """Add names and `--all`."""
    own.add_argument("names", nargs="*", metavar="NAME", help="pixel or pattern, such as 'agent-*'")
    own.add_argument("--all", action="store_true", help="all pixels of the NAS")
    own.set_defaults(needs_names=False)


def one_name(own: VerbParser) -> None:
    """Add the name of one pixel."""
    own.add_argument("name", metavar="NAME", help="pixel")


def seconds(text: str) -> float:
    """Read a number of seconds."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # Not a number (nan) fails this comparison, too.
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"invalid number of seconds {text!r}")
    return number


def stop_options(own: VerbParser) -> None:
    """Add `--stop-timeout`."""
    own.add_argument(
        "--stop-timeout", type=seconds, default=30, metavar="S", help="seconds to wait for a stop (default: 30)"
    )


def start_options(own: VerbParser) -> None:
    """Add the options of start."""
    names(own)
    wait_option(own)


def stop_verb_options(own: VerbParser) -> None:
    """Add the options of stop."""
    names(own)
    stop_options(own)
    own.add_argument("--force", action="store_true", help="kill a pixel that does not stop in time")


def restart_options(own: VerbParser) -> None:
    """Add the options of restart."""
    stop_verb_options(own)
    wait_option(own)


def destroy_options(own: VerbParser) -> None:
    """Add the options of destroy."""
    names(own)
    stop_options(own)
    own.add_argument("-f", "--force", action="store_true", help="skip the confirmation, and destroy protected pixels")
    clones_option(own)


def extend_options(own: VerbParser) -> None:
    """Add the options of extend."""
    own.add_argument("names", nargs="+", metavar="NAME", help="pixel or pattern, such as 'agent-*'")
    own.add_argument(
        "duration",
        metavar="TIME",
        help="time to add, such as 90m or 4h; or the new end, such as 2026-12-01T18:00Z; never removes the lifetime",
    )


def protect_options(own: VerbParser) -> None:
    """Add the options of protect."""
    own.add_argument("names", nargs="+", metavar="NAME", help="pixel or pattern, such as 'agent-*'")
    own.add_argument("--off", action="store_true", help="end the protection")


def reap_options(own: VerbParser) -> None:
    """Add the options of reap."""
    own.add_argument("--dry-run", action="store_true", help="show what would be done")
    stop_options(own)
    clones_option(own)


def list_options(own: VerbParser) -> None:
    """Add the options of list."""
    own.add_argument("names", nargs="*", metavar="NAME", help="pixels or patterns to list, such as 'agent-*'")
    own.add_argument(
        "--status", type=str.lower, choices=STATUSES, metavar="STATUS", help="status to list: running, stopped, ..."
    )
    own.add_argument("--owner", metavar="NAME", help="owner of the pixels to list")
    own.add_argument("--fleet", metavar="NAME", help="fleet of the pixels to list")
    own.add_argument(
        "--label",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="label of the pixels to list; can be repeated",
    )
    own.add_argument("--expired", action="store_true", help="list expired pixels only")
    own.add_argument("--sort", choices=("name", "status", "ip", "expires"), default="name", help="column to sort by")
    shown = own.add_mutually_exclusive_group()
    own.remember(shown.add_argument("-q", "--quiet", action="store_true", help="print names only"))
    own.remember(shown.add_argument("-w", "--wide", action="store_true", help="print more columns"))


def images_options(own: VerbParser) -> None:
    """Add the options of images."""
    own.add_argument("patterns", nargs="*", metavar="IMAGE", help="names or patterns to list, such as 'debian/*'")
    own.add_argument("--os", metavar="NAME", help="operating system to list, such as ubuntu")
    own.add_argument("--release", metavar="RELEASE", help="release to list, such as 24.04 or noble")
    own.add_argument("--architecture", metavar="NAME", default="amd64", help="architecture, or all (default: amd64)")
    own.add_argument("-q", "--quiet", action="store_true", help="print names only")


def transport(own: VerbParser) -> None:
    """Add `--transport`."""
    own.add_argument(
        "--transport",
        choices=("auto", "ssh", "shell"),
        help="ssh, shell for the web shell of the NAS, or auto for SSH with the web shell as fallback (default: auto)",
    )


def exec_options(own: VerbParser) -> None:
    """Add the options of exec."""
    own.usage = "pixels exec [options] NAME [NAME ...] -- COMMAND [ARGUMENT ...]"
    transport(own)
    own.add_argument("-t", "--tty", action="store_true", help="allocate a terminal")
    own.add_argument("-u", "--user", metavar="USER", help="user in the pixel that runs the command: name or user ID")
    own.add_argument("-w", "--workdir", metavar="PATH", help="working directory in the pixel")
    own.add_argument(
        "-e",
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="environment variable; without a value, the value of this environment",
    )
    own.add_argument("-d", "--detach", action="store_true", help="leave the command running and print its process ID")
    own.add_argument("--all", action="store_true", help="run in all running pixels")
    own.add_argument("first", nargs="?", metavar="NAME", help="pixel; several names and patterns require --")
    own.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def transfer_options(own: VerbParser) -> None:
    """Add the options that push and pull share."""
    transport(own)
    own.add_argument("-r", "--recursive", action="store_true", help="copy directories with their contents")
    own.add_argument("--replace", action="store_true", help="replace an existing directory with its contents")
    own.add_argument("--user", metavar="USER", help="user in the pixel that reads and writes (default: the SSH user)")


def push_options(own: VerbParser) -> None:
    """Add the options of push."""
    own.usage = "pixels push [options] SRC [SRC ...] NAME:DEST"
    transfer_options(own)
    own.add_argument("--owner", metavar="USER[:GROUP]", help="owner in the pixel; requires the user root")
    own.add_argument("--mode", metavar="MODE", help="octal permissions of a file (default: those of the source)")
    own.add_argument("sources", nargs="+", metavar="SRC", help="local file or directory; - for standard input")
    own.add_argument("destination", metavar="NAME:DEST", help="pixel and path in it")


def pull_options(own: VerbParser) -> None:
    """Add the options of pull."""
    own.usage = "pixels pull [options] NAME:SRC [NAME:SRC ...] DEST"
    transfer_options(own)
    own.add_argument("sources", nargs="+", metavar="NAME:SRC", help="pixel and file or directory in it")
    own.add_argument("destination", metavar="DEST", help="local path; - for standard output")


def console_options(own: VerbParser) -> None:
    """Add the options of console."""
    one_name(own)
    transport(own)
    own.add_argument(
        "-s", "--session", metavar="NAME", help="persistent session to open (requires tmux or screen in the pixel)"
    )


def checkpoint_options(own: VerbParser) -> None:
    """Add the actions of checkpoint."""
    add_actions(own, CHECKPOINT_ACTIONS)


def checkpoint_create_options(own: VerbParser) -> None:
    """Add the options of checkpoint create."""
    names(own)
    own.add_argument("--label", help="label of the checkpoint (default: px- and the time)")


def name_and_label(own: VerbParser) -> None:
    """Add the name of a pixel and the label of a checkpoint."""
    one_name(own)
    own.add_argument("label", metavar="LABEL", help="checkpoint")


def restore_options(own: VerbParser) -> None:
    """Add the options of checkpoint restore."""
    name_and_label(own)
    own.add_argument("--discard-newer", action="store_true", help="delete newer checkpoints")
    stop_options(own)
    own.add_argument("--force", action="store_true", help="kill the pixel, and restore a protected one")
    own.add_argument("--safety", action="store_true", help="keep the present state as a checkpoint")
    wait_option(own)


def clone_options(own: VerbParser) -> None:
    """Add the options of checkpoint clone."""
    own.add_argument("source", metavar="PIXEL[:LABEL]", help="pixel or checkpoint to clone")
    own.add_argument("names", nargs="+", metavar="NAME", help="new pixel")
    wait_option(own)


def config_options(own: VerbParser) -> None:
    """Add the actions of config."""
    add_actions(
        own,
        {
            "show": Verb("Show each setting and its source", "config_verb:show", no_options),
            "path": Verb("Show the path of the configuration file", "config_verb:path", no_options),
        },
    )


def network_options(own: VerbParser) -> None:
    """Add the actions of network."""
    add_actions(
        own,
        {
            "show": Verb("Show the egress policy of a pixel", "network_verb:show", one_name),
            "set": Verb("Replace the egress policy of a pixel", "network_verb:set_mode", egress_options),
            "allow": Verb("Allow domains or networks as well", "network_verb:allow", entry_options),
            "deny": Verb("Deny domains or networks", "network_verb:deny", entry_options),
            "check": Verb("Compare pixels with their egress policies", "network_verb:check", names),
        },
    )


def egress_options(own: VerbParser) -> None:
    """Add the options of network set."""
    one_name(own)
    own.add_argument("mode", choices=EGRESS_MODES, help="mode")
    egress_lists(own)


def entry_options(own: VerbParser) -> None:
    """Add the options of network allow and network deny."""
    one_name(own)
    own.add_argument("entries", nargs="+", metavar="DOMAIN", help="domain, '*.domain', address or network")


def session_options(own: VerbParser) -> None:
    """Add the actions of session."""
    add_actions(
        own,
        {
            "status": Verb("Show open sessions", "session_verb:status", no_options),
            "stop": Verb("Close open sessions", "session_verb:stop", no_options),
        },
    )


def setup_options(own: VerbParser) -> None:
    """Add the actions of setup."""
    add_actions(
        own,
        {
            "ad-hoc": Verb("Make 'ansible -m pixels_exec' work anywhere", "setup_ad_hoc:set_up", ad_hoc_options),
            "reaper": Verb("Destroy expired pixels regularly, with systemd", "setup_reaper:set_up", reaper_options),
        },
    )


def ad_hoc_options(own: VerbParser) -> None:
    """Add the options of setup ad-hoc."""
    own.add_argument("--undo", action="store_true", help="remove the links")


def reaper_options(own: VerbParser) -> None:
    """Add the options of setup reaper."""
    own.add_argument("--every", metavar="TIME", default="10m", help="interval, such as 10m or 1h (default: 10m)")
    own.add_argument("--undo", action="store_true", help="remove the units")


def ssh_config_options(own: VerbParser) -> None:
    """Add the options of ssh-config."""
    change = own.add_mutually_exclusive_group()
    own.remember(change.add_argument("--install", action="store_true", help="write it where OpenSSH reads it"))
    own.remember(change.add_argument("--undo", action="store_true", help="remove it"))


def completion_options(own: VerbParser) -> None:
    """Add the options of completion."""
    own.add_argument("shell", choices=("bash", "zsh", "fish"), help="shell to complete in")


ALIASES = {"cp": "checkpoint", "ls": "list", "rm": "destroy"}

CHECKPOINT_ACTIONS = {
    "create": Verb("Create checkpoints of pixels", "checkpoint_verb:create", checkpoint_create_options),
    "list": Verb("List the checkpoints of a pixel", "checkpoint_verb:show", one_name),
    "restore": Verb("Restore a pixel to a checkpoint", "checkpoint_verb:restore", restore_options),
    "delete": Verb("Delete a checkpoint", "checkpoint_verb:delete", name_and_label),
    "clone": Verb("Create pixels from a checkpoint", "checkpoint_verb:clone", clone_options),
}

VERBS = {
    "create": Verb("Create pixels", "lifecycle_verbs:create", create_options),
    "start": Verb("Start pixels", "lifecycle_verbs:start", start_options),
    "stop": Verb("Stop pixels", "lifecycle_verbs:stop", stop_verb_options),
    "restart": Verb("Restart pixels", "lifecycle_verbs:restart", restart_options),
    "destroy": Verb("Destroy pixels and all their checkpoints", "lifecycle_verbs:destroy", destroy_options),
    "extend": Verb("Extend the lifetimes of pixels", "lifetime_verbs:extend", extend_options),
    "protect": Verb("Protect pixels from being destroyed and restored", "lifetime_verbs:protect", protect_options),
    "reap": Verb("Destroy expired pixels, and stop idle ones", "lifetime_verbs:reap", reap_options),
    "list": Verb("List pixels", "list_verb:show_list", list_options),
    "info": Verb("Show details of pixels", "list_verb:show_info", names),
    "images": Verb("List the images that pixels can be created from", "images_verb:show", images_options),
    "status": Verb("Show whether pixels are ready, or the state of the NAS", "status_verb:show", optional_names),
    "exec": Verb("Run a command in pixels", "exec_verb:execute", exec_options),
    "push": Verb("Copy files to a pixel", "transfer_verbs:push", push_options),
    "pull": Verb("Copy files from pixels", "transfer_verbs:pull", pull_options),
    "console": Verb("Open a console in a pixel", "console:enter", console_options),
    "checkpoint": Verb("Manage checkpoints of pixels", "", checkpoint_options),
    "bases": Verb("Manage bases that pixels are cloned from", "", bases_options),
    "network": Verb("Manage what pixels can connect to", "", network_options),
    "config": Verb("Show the configuration", "", config_options),
    "session": Verb("Manage the sessions that stay open for the next command", "", session_options),
    "setup": Verb("Set up this machine", "", setup_options),
    "ssh-config": Verb("Make 'ssh web.pixels' work", "ssh_config:show", ssh_config_options),
    "completion": Verb("Print the completion script for a shell", "completion:show", completion_options),
    "version": Verb("Show the versions of the command, its libraries and the NAS", "version_verb:show", no_options),
}
