# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the setup script of a recipe in a pixel."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import file_transfer, scripts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import step_record

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

PATH = f"{step_record.DIRECTORY}/setup"
LOG = "/var/log/pixels-setup.log"

SHORT_TIMEOUT_S = 60.0
LINES_SHOWN = 15
LIMIT = 1500
"""Characters of the log that an error quotes."""

PREPARE = f"mkdir -p -m 755 /var/log {step_record.DIRECTORY}"

# A script without an interpreter in its first line runs in the shell, as execvp(3) does it.
RUN = f"""\
umask 022
cd /root 2>/dev/null || cd /
: >{LOG} && chmod 600 {LOG}
{PATH} </dev/null >>{LOG} 2>&1
rc=$?
[ "$rc" -eq 0 ] || tail -n {LINES_SHOWN} {LOG}
rm -f {PATH}
exit "$rc"
"""


def run(pixels: Pixels, name: PixelName, script: str, *, step: str, timeout: float) -> None:
    """Run a script as root, for at most `timeout` seconds. Raises `Refused` with the end of its log if it fails.

    `step` is what `pixels status` shows meanwhile.
    """
    what = f"running the setup script in {name.bare} on {pixels.nas}"
    with trying(what), WebShellClient(pixels, name) as shell:
        recorder = step_record.Recorder(shell, [step], timeout=timeout)
        with recorder.step(step):
            run_in(shell, script, timeout=timeout)
        recorder.flush()


def run_in(shell: Shell, script: str, *, timeout: float) -> None:
    """Run a script as root in an open shell."""
    scripts.run_checked(
        shell, PREPARE, action=f"creating the directory {step_record.DIRECTORY}", timeout=min(timeout, SHORT_TIMEOUT_S)
    )
    try:
        file_transfer.put_bytes(shell, script.encode("utf-8"), PATH, mode="700")
    except file_transfer.NotTransferred as error:
        problem = f"writing {PATH} failed: {error}"
    else:
        result = scripts.run(shell, RUN, timeout=timeout)
        if not result.rc:
            return
        problem = f"the script failed with exit status {result.rc}. Its log ends with: {log_tail(result.stdout)}"
    raise Refused(problem)


def step_of(base: str) -> str:
    """Return the name of the step that sets up a base."""
    return f"base-{base.lower()}"


def log_tail(output: bytes) -> str:
    """Return the last lines of a log as one line that is safe to show."""
    lines = output[-4 * LIMIT :].decode("utf-8", "replace").strip().splitlines()[-LINES_SHOWN:]
    text = " / ".join(filter(None, (" ".join(line.split()) for line in lines))).rstrip(".")
    return safe_text(text[-LIMIT:], limit=LIMIT) or "no output"
