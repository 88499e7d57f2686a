# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Update the lock of devtools: resolve the version, URL and checksum of each file with its registry.

    python3 update_lock.py [--check] [--npm URL] [--pypi URL] [LOCK]

Each file of a tool names its source: `npm` with a package, or `pypi` with a project. `follow` of a tool is `latest`, or
the beginning of a version such as `26`. Versions and checksums are those that the registry publishes; nothing is
downloaded but metadata. The lock is written only if all tools were resolved.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

NPM = "https://registry.npmjs.org"
PYPI = "https://pypi.org/simple"
ACCEPTED = ("application/vnd.npm.install-v1+json", "application/vnd.pypi.simple.v1+json", "application/json;q=0.1")
TIMEOUT_S = 60
SIZE_LIMIT = 64 * 1024 * 1024
VERSION = re.compile(r"\d+(\.\d+)*")
SHA512 = "sha512-"

Fetch = t.Callable[[str], t.Any]


class LockError(Exception):
    """A tool cannot be resolved."""


def fetch(url: str) -> t.Any:
    """Return the JSON at a URL. The abbreviated metadata of npm has all that is needed."""
    request = urllib.request.Request(url, headers={"Accept": ", ".join(ACCEPTED)})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return json.loads(response.read(SIZE_LIMIT))
    except (OSError, ValueError) as error:
        raise LockError(f"{url}: {error}") from error


def newest(versions: t.Iterable[str], follow: str) -> str:
    """Return the newest release that begins with the numbers of `follow`. Raises `LockError`."""
    start = follow.split(".") if follow else []
    found = [each for each in versions if VERSION.fullmatch(each) and each.split(".")[: len(start)] == start]
    if not found:
        raise LockError(f"there is no version {follow}".rstrip())
    return max(found, key=lambda each: [int(part) for part in each.split(".")])


class Npm:
    """The npm registry."""

    def __init__(self, url: str, fetch_json: Fetch) -> None:
        """Metadata of a package is fetched once."""
        self._url = url.rstrip("/")
        self._fetch = fetch_json
        self._packages: dict[str, t.Any] = {}

    def package(self, name: str) -> t.Any:
        """Return the metadata of a package."""
        if name not in self._packages:
            self._packages[name] = self._fetch(f"{self._url}/{urllib.parse.quote(name, safe='@')}")
        return self._packages[name]

    def version(self, names: t.Sequence[str], follow: str) -> str:
        """Return the version to lock, which all of these packages have: builds are published one after the other."""
        packages = [self.package(name) for name in names]
        latest = packages[0]["dist-tags"]["latest"]
        if follow == "latest" and all(latest in package["versions"] for package in packages):
            return str(latest)
        common = [each for each in packages[0]["versions"] if all(each in package["versions"] for package in packages)]
        return newest(common, "" if follow == "latest" else follow)

    def file(self, name: str, version: str) -> dict[str, str]:
        """Return URL and checksum of a version. Raises `LockError` for a package that needs others."""
        manifest = self.package(name)["versions"].get(version)
        if manifest is None:
            raise LockError(f"{name} has no version {version}")
        bundled = manifest.get("bundleDependencies") or manifest.get("bundledDependencies") or ()
        missing = set(manifest.get("dependencies", {})) - set(bundled)
        if missing:
            raise LockError(f"{name} {version} needs other packages: {', '.join(sorted(missing)[:5])}")
        integrity = manifest["dist"]["integrity"]
        if not integrity.startswith(SHA512):
            raise LockError(f"{name} {version} has no SHA-512")
        checksum = base64.b64decode(integrity.removeprefix(SHA512), validate=True).hex()
        return {"url": manifest["dist"]["tarball"], "checksum": checksum}


class Pypi:
    """A Python package index with the JSON form of the simple repository API (PEP 691), which mirrors have as well."""

    def __init__(self, url: str, fetch_json: Fetch) -> None:
        """Use the URL that pip has in `index-url`. The list of a project is fetched once."""
        self._url = url.rstrip("/")
        self._fetch = fetch_json
        self._wheels: dict[str, dict[str, list[t.Any]]] = {}

    def wheels(self, name: str) -> dict[str, list[t.Any]]:
        """Return the wheels of a project by version. A release that was withdrawn (PEP 592) has none."""
        if name not in self._wheels:
            found: dict[str, list[t.Any]] = {}
            for file in self._fetch(f"{self._url}/{name}/")["files"]:
                if file["filename"].endswith(".whl") and not file.get("yanked"):
                    found.setdefault(file["filename"].split("-")[1], []).append(file)
            self._wheels[name] = found
        return self._wheels[name]

    def version(self, name: str, follow: str) -> str:
        """Return the version of a project to lock."""
        return newest(self.wheels(name), "" if follow == "latest" else follow)

    def file(self, name: str, version: str, wheel: str) -> dict[str, str]:
        """Return URL and checksum of the wheel whose file name contains `wheel`. Raises `LockError`."""
        for file in self.wheels(name).get(version, ()):
            if wheel in file["filename"]:
                return {"url": file["url"], "checksum": file["hashes"]["sha256"]}
        raise LockError(f"{name} {version} has no wheel for {wheel}")


def update(tool: dict[str, t.Any], npm: Npm, pypi: Pypi) -> dict[str, t.Any]:
    """Return a tool with its newest version. Tools that consist of packages of the distribution have none."""
    files = tool.get("files", [])
    if not files:
        return tool
    first = files[0]
    follow = tool.get("follow", "latest")
    if "npm" in first:
        version = npm.version([each["npm"] for each in files if "npm" in each and "follow" not in each], follow)
    else:
        version = pypi.version(first["pypi"], follow)
    updated = []
    for file in files:
        if "npm" in file:
            # Another package of the tool, such as npm of node, has versions of its own.
            own = npm.version([file["npm"]], file["follow"]) if "follow" in file else version
            found = npm.file(file["npm"], own + file.get("suffix", ""))
        else:
            found = pypi.file(file["pypi"], version, file["wheel"])
        updated.append({**file, **found})
    return {**tool, "version": version, "files": updated}


def main(arguments: t.Sequence[str] | None = None, fetch_json: Fetch = fetch) -> int:
    """Update a lock, and print what changed. Return 1 for an error, and with --check for a lock that is not current."""
    parser = argparse.ArgumentParser(description="Update the lock of devtools.")
    parser.add_argument("lock", nargs="?", default=str(Path(__file__).with_name("lock.json")), metavar="LOCK")
    parser.add_argument("--check", action="store_true", help="write nothing, and return 1 if an update is available")
    parser.add_argument("--npm", default=NPM, metavar="URL", help="registry of npm, or a mirror")
    parser.add_argument(
        "--pypi", default=PYPI, metavar="URL", help="index of Python, or a mirror, such as pip has in index-url"
    )
    args = parser.parse_args(arguments)
    path = Path(args.lock)
    npm, pypi = Npm(args.npm, fetch_json), Pypi(args.pypi, fetch_json)
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        tools = {}
        for name, tool in lock["tools"].items():
            try:
                tools[name] = update(tool, npm, pypi)
            except (LockError, KeyError, TypeError, AttributeError, ValueError) as error:
                raise LockError(f"{name}: {error!r}" if isinstance(error, KeyError) else f"{name}: {error}") from error
    except (LockError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"updating {path} failed: {error}. Nothing was changed\n")
        return 1
    changed = {name: tool for name, tool in tools.items() if tool != lock["tools"][name]}
    for name, tool in changed.items():
        sys.stdout.write(f"{name}: {lock['tools'][name].get('version') or 'new'} -> {tool['version']}\n")
    if not changed:
        sys.stdout.write("The lock is current.\n")
    elif not args.check:
        text = json.dumps({**lock, "tools": tools}, indent=2, sort_keys=True) + "\n"
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return 1 if changed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
