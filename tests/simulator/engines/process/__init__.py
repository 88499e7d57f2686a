# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests without root: namespaces of this machine, one process each, and one SSH server for all of them.

From `tests.simulator.engines.process.engine` import `ProcessEngine`; nothing is imported here because a guest's pid 1
is a part of this package, and it must stay small.
"""
