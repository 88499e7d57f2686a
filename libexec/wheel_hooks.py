# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hatchling asks for when it builds the wheel: its dependencies, man pages and completion scripts."""

from __future__ import annotations

import argparse
import runpy
import sys
import tempfile
import typing as t
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "ansible_collections.pixels.truenas.plugins.module_utils"
# ansible-core requires it as well, so requirements.txt does not list it.
PYYAML = "PyYAML>=5.1"
COMPLETION = {
    "bash": "share/bash-completion/completions/pixels",
    "fish": "share/fish/vendor_completions.d/pixels.fish",
    "zsh": "share/zsh/site-functions/_pixels",
}


class Metadata(MetadataHookInterface):
    """Adds the dependencies."""

    def update(self, metadata: dict[str, t.Any]) -> None:
        """Set the dependencies to those of requirements.txt and PyYAML."""
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        metadata["dependencies"] = [*(line for line in lines if line and not line.startswith("#")), PYYAML]


class Files(BuildHookInterface[t.Any]):
    """Adds generated files."""

    def initialize(self, _version: str, build_data: dict[str, t.Any]) -> None:
        """Generate man pages and completion scripts."""
        self._directory = tempfile.TemporaryDirectory(prefix="pixels-wheel-")
        files = {f"share/man/man1/{name}": text for name, text in man_pages(self.metadata.version).items()}
        files |= {COMPLETION[shell]: text for shell, text in completion_scripts().items()}
        for number, (name, text) in enumerate(files.items()):
            path = Path(self._directory.name, str(number))
            path.write_text(text)
            build_data["shared_data"][str(path)] = name

    def finalize(self, *_build: t.Any) -> None:
        """Remove the generated files."""
        self._directory.cleanup()


def load(module: str) -> t.Any:
    """Import a module of the command from this checkout."""
    if "ansible_collections.pixels.truenas" not in sys.modules:
        runpy.run_path(str(ROOT / "plugins/module_utils/_cli/launch.py"))["make_importable"]()
    import importlib

    return importlib.import_module(f"{PACKAGE}.{module}")


def completion_scripts() -> dict[str, str]:
    """Return the completion scripts by shell. zsh runs its script as the function itself."""
    scripts: dict[str, str] = dict(load("_cli.completion").SCRIPTS)
    scripts["zsh"] = scripts["zsh"].replace("\ncompdef _pixels pixels\n", '\n_pixels "$@"\n')
    return scripts


def man_pages(version: str) -> dict[str, str]:
    """Return the man pages of the command and of each verb, by file name."""
    arguments = load("_cli.arguments")
    top = arguments.parser()
    pages = {
        "pixels.1": page(top, "pixels", top.description, version, {name: v.help for name, v in arguments.VERBS.items()})
    }
    for name, verb in arguments.VERBS.items():
        pages[f"pixels-{name}.1"] = page(top.inner[name], f"pixels-{name}", verb.help, version, {})
    return pages


def page(parser: t.Any, name: str, summary: str, version: str, verbs: dict[str, str]) -> str:
    """Return a man page. `verbs` are the verbs with pages of their own; actions are sections of the page."""
    lines = [
        f'.TH {escape(name.upper())} 1 "" "pixels {version}" "pixels.truenas"',
        ".SH NAME",
        f"{escape(name)} \\- {escape(summary[0].lower() + summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        *synopsis(parser),
    ]
    if verbs:
        lines.append(".SH COMMANDS")
        for verb, text in verbs.items():
            lines += [".TP", f"\\fBpixels\\-{escape(verb)}\\fR(1)", escape(text)]
    elif parser.inner:
        lines.append(".SH ACTIONS")
        for action, inner in parser.inner.items():
            lines += [
                f".SS {escape(action)}",
                escape(inner.description),
                ".PP",
                *synopsis(inner),
                *options(inner, parser),
            ]
    lines += [".SH OPTIONS", *options(parser, None)]
    lines += [
        ".SH FILES",
        ".TP",
        "~/.config/pixels/config.toml",
        "Configuration, with a profile for each NAS. \\fBpixels config show\\fR prints each setting and its source.",
        ".SH SEE ALSO",
        "\\fBpixels\\fR(1), \\fBssh\\fR(1)" if not verbs else "\\fBssh\\fR(1)",
    ]
    return "\n".join(lines) + "\n"


def synopsis(parser: t.Any) -> list[str]:
    """Return the usage of a parser."""
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return [escape(usage)]


def options(parser: t.Any, outer: t.Any) -> list[str]:
    """Return the arguments and options of a parser, without those that `outer` has as well."""
    lines: list[str] = []
    seen: list[argparse.Action] = []
    for action in [*parser.positionals, *parser.options.values()]:
        common = outer is not None and set(action.option_strings) & set(outer.options)
        if action in seen or common or action.help in (None, argparse.SUPPRESS):
            continue
        seen.append(action)
        value = (
            "" if action.nargs == 0 else action.metavar or "|".join(map(str, action.choices or [action.dest.upper()]))
        )
        names = ", ".join(f"\\fB{escape(each)}\\fR" for each in action.option_strings)
        lines += [".TP", f"{names} \\fI{escape(value)}\\fR".strip() if value else names, escape(action.help)]
    return lines


def escape(text: str) -> str:
    """Return text as roff shows it."""
    shown = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown
