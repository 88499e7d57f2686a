# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that installs tools inside a pixel, and what logins read.

It is POSIX shell for dash, bash and BusyBox. A controller starts it and watches its record; it does not need one.
"""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import step_record

PROGRAM_PATH = "/usr/local/lib/pixels/devtools"
PLAN_PATH = f"{step_record.DIRECTORY}/devtools.plan"
UNFINISHED_PATH = f"{step_record.DIRECTORY}/devtools.unfinished"
PID_PATH = "/run/pixels/devtools.pid"
LOG_PATH = "/var/log/pixels-devtools.log"
PROFILE_PATH = "/etc/profile.d/pixels-devtools.sh"
ROOT = "/opt/pixels"
"""Directory of the tools, each in a directory of its name."""
BIN = "/usr/local/bin"
"""Directory of links to their programs: it is in the PATH of each shell, login or not, of each user."""

FIRST_STEP = "downloader"

PROGRAM = f"""\
#!/bin/sh
# Installs the tools of {PLAN_PATH}. Made by the Ansible collection pixels.truenas.
#   devtools install   install what is missing; a second process of this kind ends at once
#   devtools notice    print what is not installed yet
set -u
LC_ALL=C; export LC_ALL
umask 022
root={ROOT} plan={PLAN_PATH} record={step_record.PATH} log={LOG_PATH}
unfinished={UNFINISHED_PATH} pid_file={PID_PATH}

is_running() {{
    other=$(cat "$pid_file" 2>/dev/null) && [ -n "$other" ] &&
        tr '\\0' ' ' 2>/dev/null <"/proc/$other/cmdline" | grep -q '{PROGRAM_PATH} install'
}}

# Only one process installs. A process ID of before a reboot is that of another program.
lock() {{
    mkdir -p "${{pid_file%/*}}"
    for attempt in 1 2; do
        if (set -C; echo $$ >"$pid_file") 2>/dev/null; then
            trap 'rm -f "$pid_file"' EXIT
            trap 'exit 1' HUP INT TERM
            return 0
        fi
        if is_running; then return 1; fi
        rm -f "$pid_file"
    done
    return 1
}}

find_system() {{
    family= libc=glibc
    for program in apt-get dnf apk pacman; do
        if command -v $program >/dev/null 2>&1; then family=${{program%-get}}; break; fi
    done
    for loader in /lib/ld-musl-*; do if [ -e "$loader" ]; then libc=musl; fi; done
    machine=$(uname -m)
}}

applies() {{ case $1 in any | "$family" | "$libc") ;; *) return 1 ;; esac; }}

updated=
install_packages() {{
    echo "packages: $*"
    case $family in
    apt)
        DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
        if [ ! "$updated" ]; then apt-get -o DPkg::Lock::Timeout=300 update -qq || return 1; fi
        updated=yes
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"
        ;;
    dnf) dnf install -y -q "$@" ;;
    apk) apk add -q --update-cache --wait 300 "$@" ;;
    pacman) pacman -Sy --noconfirm --needed "$@" ;;
    *) echo "no supported package manager (apt-get, dnf, apk, pacman)"; return 1 ;;
    esac
}}

# Download the file $2, verify its checksum $1, and unpack it to the directory $3.
unpack() {{
    if [ "$machine" != x86_64 ]; then echo "the lock has no files for the machine type $machine"; return 1; fi
    echo "download: $2"
    archive=$root/.download
    curl -fsSL --proto '=https,http,file' --proto-redir '=https' --connect-timeout 20 --retry 3 --speed-limit 1000 \\
        --speed-time 60 -o "$archive" "$2" || return 1
    case ${{#1}} in 64) sum=$(sha256sum "$archive") ;; *) sum=$(sha512sum "$archive") ;; esac
    if [ "${{sum%% *}}" != "$1" ]; then
        echo "wrong checksum of $2: expected $1, got ${{sum%% *}}"
        return 1
    fi
    mkdir -p "$3" || return 1
    case $2 in
    *.whl | *.zip) python3 -m zipfile -e "$archive" "$3" ;;
    *) tar -xzf "$archive" -C "$3" --strip-components=1 --no-same-owner ;;
    esac
}}

# Link the command $1 to the program $2. A command that something else has installed is not replaced.
link_command() {{
    command_path={BIN}/$1
    if [ ! -e "$2" ]; then echo "there is no program $2"; return 1; fi
    if [ -e "$command_path" ] || [ -L "$command_path" ]; then
        case $(readlink "$command_path") in
        "$root"/* | "$2") ;;
        *) echo "$command_path exists already. Remove it"; return 1 ;;
        esac
    fi
    mkdir -p {BIN} && ln -sfn "$2" "$command_path"
}}

# Install the tool $1, whose lines of the plan have the digest $2.
install_tool() {{
    new=$root/.new
    rm -rf "$new" && mkdir -p "$new" || return 1
    awk -F'|' -v tool="$1" '$1 == "tool" {{ on = $2 == tool; next }} on' "$plan" >"$root/.lines" || return 1
    while IFS='|' read -r kind when first second third; do
        applies "$when" || continue
        case $kind in
        # Names of packages have no special characters.
        packages) install_packages $first </dev/null || return 1 ;;
        file) unpack "$first" "$second" "$new/$third" </dev/null || return 1 ;;
        text) printf '%s\\n' "$second" >"$new/$first" || return 1 ;;
        esac
    done <"$root/.lines"
    rm -rf "$root/.old"
    if [ -e "$root/$1" ]; then mv "$root/$1" "$root/.old" || return 1; fi
    mv "$new" "$root/$1" || return 1
    while IFS='|' read -r kind when first second third; do
        if [ "$kind" != link ] || ! applies "$when"; then continue; fi
        case $second in
        /*) link_command "$first" "$second" || return 1 ;;
        *)
            chmod 755 "$root/$1/$second" || return 1
            lacking=$(ldd "$root/$1/$second" 2>&1 | grep -E 'not found|Error loading') || :
            if [ "$lacking" ]; then echo "$first cannot run:" $lacking; return 1; fi
            link_command "$first" "$root/$1/$second" || return 1
            ;;
        esac
    done <"$root/.lines"
    echo "$2" >"$root/$1/.digest"
    rm -rf "$root/.old" "$root/.lines" "$root/.download"
}}

install_downloader() {{
    if command -v curl >/dev/null 2>&1 && [ -d /etc/ssl/certs ]; then return 0; fi
    install_packages ca-certificates curl
}}

# Run the step $1, and record its start together with the end of the step before.
ended=
step() {{
    name=$1
    shift
    printf '%s\\n' ${{ended:+"$ended"}} "start $name $(date +%s) pid:$$" >>"$record"
    before=$(wc -c <"$log")
    "$@"
    rc=$?
    ended="end $name $rc $(date +%s)"
    if [ "$rc" != 0 ]; then
        failed=1
        tail -c "+$((before + 1))" "$log" | tail -n {step_record.OUTPUT_LINES} | cut -c 1-{step_record.OUTPUT_WIDTH} |
            sed "s/^/out $name /" >>"$record"
    fi
    return "$rc"
}}

install_all() {{
    find_system
    tools=$(awk -F'|' '$1 == "tool" {{ print $2 "|" $3 }}' "$plan")
    missing=
    for tool in $tools; do
        if [ "$(cat "$root/${{tool%|*}}/.digest" 2>/dev/null)" != "${{tool#*|}}" ]; then missing="$missing $tool"; fi
    done
    failed=
    if [ "$missing" ]; then
        : >"$unfinished"
        echo "plan {FIRST_STEP}$(for tool in $missing; do printf ' %s' "${{tool%|*}}"; done)" >>"$record"
        if step {FIRST_STEP} install_downloader; then
            for tool in $missing; do step "${{tool%|*}}" install_tool "${{tool%|*}}" "${{tool#*|}}"; done
        fi
        echo "$ended" >>"$record"
    fi
    if [ ! "$failed" ]; then rm -f "$unfinished"; fi
    [ ! "$failed" ]
}}

case ${{1-}} in
install)
    lock || exit 0
    mkdir -p "$root" "${{record%/*}}" "${{log%/*}}"
    if [ "$({{ wc -c <"$log"; }} 2>/dev/null || echo 0)" -gt 1048576 ]; then rm -f "$log"; fi
    size=$({{ wc -c <"$record"; }} 2>/dev/null || echo 0)
    if [ "$size" -gt {step_record.SIZE_LIMIT // 2} ]; then rm -f "$record"; fi
    exec >>"$log" 2>&1
    echo "--- $(date)"
    install_all
    ;;
notice)
    [ -e "$unfinished" ] || exit 0
    if is_running; then
        now=$(sed -n 's/^start \\([^ ]*\\) .*/\\1/p' "$record" | tail -n 1)
        echo "pixels: tools are being installed, now $now (see $log)"
    else
        echo "pixels: some tools are not installed (see $log)"
    fi
    ;;
*) echo "usage: devtools install | notice" >&2; exit 2 ;;
esac
"""

PROFILE = f"""\
# What logins read about devtools. Made by the Ansible collection pixels.truenas.
case $- in *i*) if [ -e {UNFINISHED_PATH} ]; then sh {PROGRAM_PATH} notice; fi ;; esac
case :$PATH: in *:{BIN}:*) ;; *) PATH={BIN}:$PATH; export PATH ;; esac
# Tools that this user has installed with mise.
if [ -d "$HOME/.local/share/mise/shims" ]; then PATH=$HOME/.local/share/mise/shims:$PATH; export PATH; fi
"""
