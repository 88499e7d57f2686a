# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a command line: its verbs, their options, and which function each means."""

from __future__ import annotations

import argparse
import importlib
import shlex
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

    Function = t.Callable[[argparse.Namespace, Output], int]

FOLDER = "ansible_collections.pixels.truenas.plugins.module_utils._command"

# Those that have a value after a blank.
WITH_VALUE = ("--host", "--api-key", "--api-key-file", "-u", "--username", "--config", "--nas")
HIDDEN = "KEY"
# All that TrueNAS has.
STATUSES = (
    *("running", "stopped", "unknown", "error", "frozen"),
    *("starting", "stopping", "freezing", "thawed", "aborting"),
)
WAITS = ("none", "running", "address", "ssh")


class Verb(t.NamedTuple):
    """What a verb does in few words, where its function is, and what adds its options."""

    help: str
    function: str
    add: t.Callable[[argparse.ArgumentParser], None]


def parse(everything: list[str]) -> argparse.Namespace:
    """Ends the process, with status 2 and what is right on stderr, when the words make no sense."""
    words, command = split(everything)
    verb = verb_of(words)
    top = parser(only=verb)
    if verb and verb not in {*VERBS, *ALIASES}:
        top.error(unknown(verb))
    asked = top.parse_args(words)
    asked.words = everything
    if "command" in asked:
        complete_command(asked, command)
    elif command:
        asked.parser.error(f"there is nothing to do with {' '.join(command)}")
    chosen = getattr(asked, "names", None)
    if chosen and getattr(asked, "all", False):
        asked.parser.error(f"either {' '.join(chosen)} or --all")
    if chosen == [] and not asked.__dict__.get("all", True) and asked.needs_names:
        asked.parser.error("which pixel? Give its name, a pattern, or --all")
    return asked


def unknown(verb: str) -> str:
    import difflib

    close = difflib.get_close_matches(verb, [*VERBS, *ALIASES], n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(VERBS)}"
    return f"there is no verb {verb!r}: {hint}"


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What is before C(--), and what is after it: that is the command to run, as it is."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def complete_command(asked: argparse.Namespace, command: list[str]) -> None:
    """Tell names from the command: C(exec web ls -l), C(exec web db -- uptime), C(exec --all -- uptime)."""
    words = [asked.first, *asked.command] if asked.first else []
    asked.names = words if command else [] if asked.all else words[:1]
    asked.command = command or words[len(asked.names) :]
    late = [word for word in asked.names if word.startswith("-")]
    if late:
        asked.parser.error(f"options come before the names: {' '.join(late)}")
    if not asked.names and not asked.all:
        asked.parser.error("which pixel? pixels exec NAME -- COMMAND")
    if not asked.command:
        asked.parser.error("there is no command to run: pixels exec NAME -- COMMAND")


def again(asked: argparse.Namespace) -> str:
    """A line for a shell that asks for the same once more; without the key, which others would see."""
    words = list(asked.words)
    for at, word in enumerate(words):
        if word == "--api-key":
            words[at + 1] = HIDDEN
        elif word.startswith("--api-key="):
            words[at] = f"--api-key={HIDDEN}"
    return " ".join(["pixels", *(word if HIDDEN in word else shlex.quote(word) for word in words)])


def there(asked: argparse.Namespace) -> str:
    """The options by which a verb reaches the same NAS, behind the name of the command."""
    words = ["pixels"]
    for option, value in (
        ("--nas", asked.nas),
        ("--host", asked.host),
        ("--username", asked.username),
        ("--api-key", asked.api_key and HIDDEN),
        ("--api-key-file", asked.api_key_file),
        ("--config", asked.config),
    ):
        if value:
            words += [option, value if value == HIDDEN else shlex.quote(value)]
    return " ".join(words)


def verb_of(words: t.Sequence[str]) -> str | None:
    """The first word that is no global option and no value of one."""
    rest = iter(words)
    for word in rest:
        if word in WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def function_of(asked: argparse.Namespace) -> Function:
    """Loaded only now, with what that one verb needs."""
    module, _colon, name = asked.function.partition(":")
    found: Function = getattr(importlib.import_module(f"{FOLDER}.{module}"), name)
    return found


def parser(*, only: str | None = None) -> argparse.ArgumentParser:
    """The parser for one verb, or for all where C(only) is none of them: making them takes longer than most verbs."""
    top = argparse.ArgumentParser(
        prog="pixels", description="Disposable Linux containers on TrueNAS.", parents=[shared(None)]
    )
    verbs = top.add_subparsers(required=True, metavar="VERB", title="verbs", prog="pixels")
    only = ALIASES.get(only or "", only)
    for name, verb in {only: VERBS[only]}.items() if only in VERBS else VERBS.items():
        add_verb(verbs, name, verb, aliases=[alias for alias, full in ALIASES.items() if full == name])
    return top


def add_verb(verbs: t.Any, name: str, verb: Verb, *, aliases: t.Sequence[str] = ()) -> None:
    # Global options are understood after the verb as well, where their defaults must not undo what is before it.
    own = verbs.add_parser(
        name,
        help=verb.help,
        description=f"{sentence(verb.help)}.",
        aliases=aliases,
        parents=[shared(argparse.SUPPRESS)],
    )
    own.set_defaults(verb=name, function=verb.function, parser=own)
    verb.add(own)


def actions_of(own: argparse.ArgumentParser) -> t.Any:
    # Without a prog each of them would be made up by formatting the help of the verb.
    return own.add_subparsers(required=True, metavar="ACTION", title="actions", prog=own.prog)


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def shared(default: str | None) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    group = options.add_argument_group("which NAS, and how to tell")
    texts = {"default": default}
    switch = {"action": "store_true", "default": default or False}
    group.add_argument("--host", help="TrueNAS host", **t.cast("t.Any", texts))
    group.add_argument("-u", "--username", help="account to log in as", **t.cast("t.Any", texts))
    group.add_argument("--api-key", metavar="KEY", help="its API key; others can see it here", **t.cast("t.Any", texts))
    group.add_argument("--api-key-file", metavar="FILE", help="file with its API key", **t.cast("t.Any", texts))
    group.add_argument("--config", metavar="FILE", help="configuration file", **t.cast("t.Any", texts))
    group.add_argument("--nas", metavar="NAME", help="profile [nas.NAME] of that file", **t.cast("t.Any", texts))
    group.add_argument(
        "-v", "--verbose", help="say what is asked of the NAS, and which way is taken", **t.cast("t.Any", switch)
    )
    group.add_argument("--json", help="print JSON", **t.cast("t.Any", switch))
    group.add_argument("--no-color", help="no colors and no moving lines", **t.cast("t.Any", switch))
    return options


def nothing(_own: argparse.ArgumentParser) -> None:
    """A verb without options."""


def names(own: argparse.ArgumentParser) -> None:
    names_if_any(own)
    own.set_defaults(needs_names=True)


def names_if_any(own: argparse.ArgumentParser) -> None:
    own.add_argument("names", nargs="*", metavar="NAME", help="a pixel, or a pattern: 'agent-*'")
    own.add_argument("--all", action="store_true", help="all pixels of the NAS")
    own.set_defaults(needs_names=False)


def one_name(own: argparse.ArgumentParser) -> None:
    own.add_argument("name", metavar="NAME", help="a pixel")


def waiting(own: argparse.ArgumentParser) -> None:
    own.add_argument("--wait", choices=WAITS, help="how far it must come; usually as far as it can")


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # What is no number is not more than 0 either.
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def stopping(own: argparse.ArgumentParser) -> None:
    own.add_argument("--stop-timeout", type=seconds, default=30, metavar="S", help="seconds it has to stop (30)")


def for_create(own: argparse.ArgumentParser) -> None:
    own.add_argument("names", nargs="+", metavar="NAME", help="a new pixel")
    own.add_argument("--image", help="image, such as ubuntu/24.04")
    own.add_argument("--cpu", help="number of cores, or which: 0-3")
    own.add_argument("--memory", help="memory: 2GiB, 2048MiB or a number of MiB")
    own.add_argument("--pool", help="storage pool")
    own.add_argument(
        "--from", dest="source", metavar="PIXEL[:LABEL]", help="make it from another pixel, or a checkpoint"
    )
    own.add_argument("--console", action="store_true", help="enter it when it is there")
    own.add_argument(
        "--no-provision", action="store_true", help="leave it as the image is, without keys and SSH server"
    )
    waiting(own)


def for_start(own: argparse.ArgumentParser) -> None:
    names(own)
    waiting(own)


def for_stop(own: argparse.ArgumentParser) -> None:
    names(own)
    stopping(own)
    own.add_argument("--force", action="store_true", help="kill it")


def for_restart(own: argparse.ArgumentParser) -> None:
    for_stop(own)
    waiting(own)


def for_destroy(own: argparse.ArgumentParser) -> None:
    names(own)
    stopping(own)
    own.add_argument("-f", "--force", action="store_true", help="do not ask")
    own.add_argument(
        "--clones",
        choices=("refuse", "promote", "leave"),
        default="refuse",
        help="what to do about pixels cloned from it",
    )


def for_list(own: argparse.ArgumentParser) -> None:
    own.add_argument("names", nargs="*", metavar="NAME", help="only these; patterns will do: 'agent-*'")
    own.add_argument(
        "--status", type=str.lower, choices=STATUSES, metavar="STATUS", help="only those: running, stopped, ..."
    )
    own.add_argument("-q", "--quiet", action="store_true", help="only names")


def transport(own: argparse.ArgumentParser) -> None:
    own.add_argument(
        "--transport",
        choices=("auto", "ssh", "shell"),
        help="ssh, the shell of the NAS, or auto for ssh and then the shell (default: auto)",
    )


def for_exec(own: argparse.ArgumentParser) -> None:
    own.usage = "pixels exec [options] NAME [NAME ...] -- COMMAND [ARGUMENT ...]"
    transport(own)
    own.add_argument("-t", "--tty", action="store_true", help="give the command a terminal")
    own.add_argument("--all", action="store_true", help="in all running pixels")
    own.add_argument("first", nargs="?", metavar="NAME", help="a pixel; several, or patterns, before --")
    own.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def for_console(own: argparse.ArgumentParser) -> None:
    one_name(own)
    transport(own)
    own.add_argument("-s", "--session", metavar="NAME", help="a session that stays (tmux or screen in the pixel)")


def for_checkpoint(own: argparse.ArgumentParser) -> None:
    actions = actions_of(own)
    for name, action in CHECKPOINTS.items():
        add_verb(actions, name, action)


def for_checkpoint_create(own: argparse.ArgumentParser) -> None:
    names(own)
    own.add_argument("--label", help="its name; usually px- and the time")


def name_and_label(own: argparse.ArgumentParser) -> None:
    one_name(own)
    own.add_argument("label", metavar="LABEL", help="the checkpoint")


def for_restore(own: argparse.ArgumentParser) -> None:
    name_and_label(own)
    own.add_argument("--discard-newer", action="store_true", help="lose the checkpoints that are newer")
    stopping(own)
    own.add_argument("--safety", action="store_true", help="take a checkpoint of the present state first")
    waiting(own)


def for_clone(own: argparse.ArgumentParser) -> None:
    own.add_argument("source", metavar="PIXEL[:LABEL]", help="what to make it from")
    own.add_argument("names", nargs="+", metavar="NAME", help="a new pixel")
    waiting(own)


def for_config(own: argparse.ArgumentParser) -> None:
    actions = actions_of(own)
    add_verb(actions, "show", Verb("every setting, and where it comes from", "configuration:show", nothing))
    add_verb(actions, "path", Verb("where the configuration file is", "configuration:path", nothing))


def for_session(own: argparse.ArgumentParser) -> None:
    actions = actions_of(own)
    add_verb(actions, "status", Verb("the logins that are held open", "sharing:status", nothing))
    add_verb(actions, "stop", Verb("end them", "sharing:stop", nothing))


def for_setup(own: argparse.ArgumentParser) -> None:
    actions = actions_of(own)
    add_verb(actions, "ad-hoc", Verb("make 'ansible -m pixels_exec' work anywhere", "ad_hoc:set_up", for_ad_hoc))


def for_ad_hoc(own: argparse.ArgumentParser) -> None:
    own.add_argument("--undo", action="store_true", help="take it back")


def for_ssh_config(own: argparse.ArgumentParser) -> None:
    change = own.add_mutually_exclusive_group()
    change.add_argument("--install", action="store_true", help="write it where OpenSSH reads it")
    change.add_argument("--undo", action="store_true", help="take that back")


def for_completion(own: argparse.ArgumentParser) -> None:
    own.add_argument("shell", choices=("bash", "zsh", "fish"))


ALIASES = {"cp": "checkpoint", "ls": "list", "rm": "destroy"}

CHECKPOINTS = {
    "create": Verb("save the state of pixels", "checkpointing:create", for_checkpoint_create),
    "list": Verb("the saved states of a pixel", "checkpointing:show", one_name),
    "restore": Verb("bring a pixel back to a saved state", "checkpointing:restore", for_restore),
    "delete": Verb("forget a saved state", "checkpointing:delete", name_and_label),
    "clone": Verb("make a new pixel from a saved state", "checkpointing:clone", for_clone),
}

VERBS = {
    "create": Verb("make pixels", "changing:create", for_create),
    "start": Verb("start pixels", "changing:start", for_start),
    "stop": Verb("stop pixels", "changing:stop", for_stop),
    "restart": Verb("restart pixels", "changing:restart", for_restart),
    "destroy": Verb("destroy pixels with all their checkpoints", "changing:destroy", for_destroy),
    "list": Verb("list pixels", "listing:show_list", for_list),
    "info": Verb("all that is known of pixels", "listing:show_info", names),
    "status": Verb("how far pixels have come, or how the NAS is", "health:show", names_if_any),
    "exec": Verb("run a command in pixels", "running:execute", for_exec),
    "console": Verb("enter a pixel", "console:enter", for_console),
    "checkpoint": Verb("saved states of pixels", "", for_checkpoint),
    "config": Verb("where settings come from", "", for_config),
    "session": Verb("logins that are held open for the next command", "", for_session),
    "setup": Verb("prepare this machine", "", for_setup),
    "ssh-config": Verb("let 'ssh web.pixels' work", "ssh_config:show", for_ssh_config),
    "completion": Verb("completion for a shell", "completion:show", for_completion),
}
