# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb images: the images that the NAS can create pixels from."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import image_catalog

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage

HEADER = ("NAME", "ALIASES", "ARCHITECTURES", "CACHED ON")


def show(args: argparse.Namespace, output: Output) -> int:
    """List images."""
    context = CliContext(args, output)
    found = image_catalog.select(
        context.pixels.containers.images(),
        patterns=args.patterns,
        os=args.os,
        release=args.release,
        architecture=args.architecture,
    )
    if output.json:
        output.print_json([image_catalog.as_dict(each) for each in found])
    elif args.quiet:
        for each in found:
            output.say(each.name)
    elif found:
        output.table(HEADER, [cells(each) for each in found])
    else:
        output.say("No images found.")
    return 0


def cells(image: ListedImage) -> tuple[str, str, str, str]:
    """Return the row of the table."""
    pools = sorted({each.pool for each in image.cached or ()})
    words = (image.aliases, image.architectures, pools)
    aliases, architectures, cached = (", ".join(each) or "—" for each in words)
    return image.name, aliases, architectures, cached
