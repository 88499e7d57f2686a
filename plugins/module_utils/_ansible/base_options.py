# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of `pixels_base` to a recipe."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import egress
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.provision_option import provision
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Params, Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings

REQUIRES_ORIGIN = ("setup", "description", "version", "egress", "provision")
"""Options of a recipe that is declared in the task."""


def base_recipe(params: Params, ssh: SshSettings) -> Recipe | None:
    """Return the recipe that the options describe; None if they name a recipe only. Raises `Invalid`."""
    if params["state"] == "absent":
        return None
    if not (params["image"] or params["from"]):
        given = next((name for name in REQUIRES_ORIGIN if params[name]), None)
        if given:
            problem = "set image or from as well, or declare the whole recipe in the configuration file"
            raise Invalid.in_field(given, f"cannot use the option {given} of the base {params['name']}", problem)
        return None
    return Recipe(
        name=params["name"],
        image=params["image"],
        source=params["from"],
        setup=params["setup"],
        description=params["description"],
        version=params["version"],
        egress=egress(params["egress"]),
        provision=provision(params["provision"], ssh=ssh),
    )


def recipe_book(task: Task, own: Recipe | None) -> RecipeBook:
    """Return the known recipes, among them that of the task."""
    return RecipeBook(task.pixels.defaults.bases, own, lambda: provision({}, ssh=task.ssh))
