# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the checkpoints of pixels are, said once."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  dataset_prefix:
    description:
      - Dataset in which the datasets of the containers are.
      - Left out, it is E(PIXELS_CHECKPOINT_DATASET_PREFIX), else C(checkpoint.dataset_prefix) of the configuration
        file, else the place on the container's own pool where TrueNAS keeps it.
    type: str
"""
