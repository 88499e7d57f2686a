# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option for the location of checkpoints."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `CHECKPOINTS` in `module_utils/_ansible/options.py` defines."""

    DOCUMENTATION = r"""
options:
  dataset_prefix:
    description:
      - Dataset that contains the datasets of the containers.
      - Defaults to E(PIXELS_CHECKPOINT_DATASET_PREFIX), then C(checkpoint.dataset_prefix) in the configuration file,
        then the dataset that TrueNAS uses for containers on the pool of the pixel.
    type: str
"""
