# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check prose for phrases that slow a reader down: `python -m tests.prose [PATH...]`."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PERSON = "processes, accounts and programs are not people"
DIALECT = "not the usual term"
METAPHOR = "a metaphor to decode"
VAGUE = "unclear what it refers to"
TERM = "one term for one concept (docs/glossary.md)"


class Phrase(t.NamedTuple):
    """A banned phrase, as a regular expression, with the reason and what to write instead."""

    pattern: str
    reason: str
    instead: str


# Only what is wrong wherever it occurs: false alarms cost more than a phrase that slips through.
PHRASES = (
    Phrase(
        r"somebody('s)?( else)?|someone else's|whoever|whomever|whom|nobody(?![:/])", PERSON, "the user, no process"
    ),
    Phrase(
        r"(?<!users )(?<!user )(?<!people )(?<!anyone )(?<!readers )(?<!pixel )who(?! (it|this) is for|=)",
        PERSON,
        "the process that, the user",
    ),
    Phrase(r"(of|than|by|from|like|and|with|are|is) ours|ours (is|are|does|do|to)", PERSON, "the collection's"),
    Phrase(r"heed(s|ed|ing)?|owes|owing", PERSON, "handle, require"),
    Phrase(
        r"(is|are|was|be|been|gets?|not|as|it|them|neither) told|told (apart|from|of|by|at|to|what|that|as|so)",
        DIALECT,
        "report, pass, recognize",
    ),
    Phrase(r"tells? (apart|of|what|how|which|whether|when|where|why|it|its|the)", DIALECT, "report, show, return"),
    Phrase(r"anew|afresh", DIALECT, "again"),
    Phrase(r"mend(s|ed|ing)?", DIALECT, "fix, repair, recover"),
    Phrase(r"by (itself|themselves)", DIALECT, "automatically, alone"),
    Phrase(r"left out", DIALECT, "omitted, skipped, Defaults to"),
    Phrase(r"(to|can|cannot|could) be had", DIALECT, "available"),
    Phrase(r"signs? of life", METAPHOR, "reply, keepalive"),
    Phrase(r"what (became|becomes|comes|came) of", VAGUE, "the result of"),
    Phrase(r"patience|patiently", METAPHOR, "timeout, retries"),
    Phrase(r"seats?", METAPHOR, "terminal"),
    Phrase(r"(comes?|came) to (an end|nothing)|comes to (?!\d)", VAGUE, "end, fail, amount to"),
    Phrase(r"(stays?|stayed|leaves?|kept|said|taken) as (it|they) (is|are|was|were)", VAGUE, "unchanged"),
    Phrase(r"at once(?=[,.;:)])", VAGUE, "immediately, at the same time"),
    Phrase(r"hand(s|ed|ing)? (it |them )?over", METAPHOR, "pass, send"),
    Phrase(r"goes by|go by", VAGUE, "use, depend on"),
    Phrase(r"sees? to|seen to", DIALECT, "ensure"),
    Phrase(r"whatever", VAGUE, "any, all, regardless of"),
    Phrase(r"in vain", VAGUE, "without a reply"),
    Phrase(r"ways? (in|into) (a|the|its|to)|way out", METAPHOR, "transport, fix"),
    Phrase(r"without a word|last words?", METAPHOR, "with no output, last output"),
    Phrase(r"out of the way|stands? in the way|in the way of", METAPHOR, "removed, conflicts with"),
    Phrase(r"(is|are|was|were) asked for|what (is|was) asked", DIALECT, "requested"),
    Phrase(r"makes? (no )?sense|no sense", VAGUE, "valid, invalid"),
    Phrase(r"as usual|the usual (one|way|place)", VAGUE, "the default"),
    Phrase(r"for good(?=[,.;:)])", DIALECT, "permanently"),
    Phrase(r"folders?", TERM, "directory"),
    Phrase(r"lets? (it |them )?through", METAPHOR, "accept, allow"),
    Phrase(r"what (it|this|that) takes", VAGUE, "what it requires"),
    Phrase(r"(TrueNAS|NAS) box(es)?|TrueNAS in a box", TERM, "NAS, simulated NAS"),
    Phrase(r"thereof|wherefore|whence|hitherto|henceforth|besides", DIALECT, "in addition to"),
    Phrase(r"no more(?=[,.;:)])|any more(?=[,.;:)])", DIALECT, "no longer"),
    Phrase(r"(is|are|be|been|not) taken for(?! (each|every))", DIALECT, "treated as, mistaken for"),
    Phrase(r"halfway|half-way", METAPHOR, "unfinished"),
    Phrase(r"in earnest|for the asking|of no use", DIALECT, "really, not needed"),
)
ANY_PHRASE = "|".join(f"(?P<p{number}>{phrase.pattern})" for number, phrase in enumerate(PHRASES))
BANNED = re.compile(rf"\b(?<!-)(?:{ANY_PHRASE})(?![\w-])", re.IGNORECASE)

# Code inside prose: fenced blocks, backticks, markup of Ansible's documentation, Jinja, links.
CODE = re.compile(
    r"^ *```.*?^ *```|``.+?``|`[^`\n]+`|\b[CVOP]\([^)]*\)|\{\{.*?\}\}|\{%.*?%\}|(?<=\])\([^)]*\)|https?://\S+",
    re.DOTALL | re.MULTILINE,
)
SUFFIXES = ("", ".md", ".py", ".toml", ".txt", ".yaml", ".yml")
STRING = re.compile(r"(\w*)(\"\"\"|'''|[\"'])(.*)\2", re.DOTALL)


class Finding(t.NamedTuple):
    """A banned phrase in a file."""

    path: str
    line: int
    text: str
    phrase: Phrase

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text!r}: {self.phrase.reason}. Use {self.phrase.instead!r}"


def mask(text: str) -> str:
    """Replace what is not prose, so that no phrase spans it and lines keep their numbers."""
    return re.sub(r"\S", "\0", text)


def python_prose(source: str, *, strings: bool) -> str:
    """Mask all but comments and docstrings, and strings of several words if `strings` is set."""
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    result = list(mask(source))
    begins_statement = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        text = ""
        if kind == "COMMENT":
            text = " " + token.string[1:]
        elif kind == "FSTRING_MIDDLE" and strings:
            text = token.string
        elif kind == "STRING" and (begins_statement or (strings and " " in token.string)):
            prefix, quote, body = re.fullmatch(STRING, token.string).groups()
            if "f" in prefix.lower():
                body = re.sub(r"\{[^{}]*\}", lambda match: mask(match[0]), body)
            text = " " * len(prefix + quote) + body + " " * len(quote)
        if text:
            start = starts[token.start[0] - 1] + token.start[1]
            result[start : start + len(text)] = text
        if kind not in {"COMMENT", "NL"}:
            begins_statement = kind in {"NEWLINE", "INDENT", "DEDENT"}
    return "".join(result)


def script_prose(source: str) -> str:
    """Mask all but comments: of shell scripts, TOML and make, whose help texts are comments."""
    comment = re.compile(r"^(.*?)(?:(?<!\S)#+(.*))?$", re.MULTILINE)
    return comment.sub(lambda match: mask(match[1]) + " " + (match[2] or ""), source)


def prose(path: str, source: str) -> str:
    """Return the source with everything masked that is not prose."""
    if path.endswith(".py"):
        source = python_prose(source, strings=not path.startswith("tests/"))
    elif path.endswith((".yml", ".yaml")):
        source = re.sub(r"(?<!\S)#+", "", source)
    elif not path.endswith(".md"):
        source = script_prose(source)
    return CODE.sub(lambda match: mask(match[0]), source)


def check(path: str, source: str) -> list[Finding]:
    """Return the banned phrases in the prose of a file, in order."""
    lines = [line.split() for line in prose(path, source).split("\n")]
    text = " ".join(word for line in lines for word in line)
    numbers = [number for number, line in enumerate(lines, 1) for _character in line]
    return [
        Finding(path, numbers[text.count(" ", 0, match.start())], match[0], PHRASES[int(match.lastgroup[1:])])
        for match in BANNED.finditer(text)
    ]


def files(paths: t.Sequence[str]) -> list[str]:
    """Return the names of the files with prose below the paths, as far as git does not ignore them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()})
    return [name for name in names if Path(name).suffix in SUFFIXES and Path(name).name != "COPYING"]


def main(arguments: t.Sequence[str]) -> int:
    """Print the findings of the given paths, or of all files; return the exit status."""
    findings = [finding for name in files(arguments) for finding in check(name, (ROOT / name).read_text())]
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
