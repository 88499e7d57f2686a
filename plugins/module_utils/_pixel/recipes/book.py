# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the recipe of a base: that of a task, in the configuration file, or built in."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes import builtin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.recipe import Recipe

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.base_table import ConfiguredBase
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec

Provision = t.Callable[[], "ProvisionSpec | None"]

TASK, FILE, BUILT_IN = "task", "configuration", "built-in"


@dataclass(frozen=True)
class RecipeBook:
    """The known recipes."""

    configured: tuple[ConfiguredBase, ...] = ()
    own: Recipe | None = None
    """The recipe of the task."""
    provision: Provision = field(default=lambda: None)
    """Returns the provisioning for `provision = true` of the configuration file."""

    def names(self) -> list[str]:
        """Return the names of all known recipes, sorted."""
        own = [self.own.name] if self.own else []
        return sorted({*own, *(each.name for each in self.configured), *builtin.RECIPES})

    def find_declared(self, name: str) -> Recipe | None:
        """Return a recipe that the user has declared; None for others. Raises `Invalid` for a wrong one."""
        if self.own and self.own.name == name:
            return self.own
        found = next((each for each in self.configured if each.name == name), None)
        return self.read(found) if found else None

    def find(self, name: str) -> Recipe | None:
        """Return a recipe, which may be built in; None if it is unknown. Raises `Invalid` for a wrong one."""
        return self.find_declared(name) or builtin.RECIPES.get(name)

    def get(self, name: str) -> Recipe:
        """Return a recipe. Raises `Invalid` if it is unknown, or wrong."""
        found = self.find(name)
        if found is None:
            problem = f"there is no recipe of that name; known are {', '.join(self.names())}"
            error = Invalid.in_field("name", f"unknown base {name!r}", problem)
            raise error.with_hints(Hint.advice(f"declare it with [bases.{name}] in the configuration file"))
        return found

    def origin(self, name: str) -> str:
        """Return where the recipe of a base comes from: `task`, `configuration` or `built-in`."""
        if self.own and self.own.name == name:
            return TASK
        return FILE if any(each.name == name for each in self.configured) else BUILT_IN

    def read(self, found: ConfiguredBase) -> Recipe:
        """Return the recipe of a table of the configuration file. Raises `Invalid` with its place in the file."""
        try:
            egress = None
            if found.egress is not None:
                from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy

                egress = policy.parse(found.egress, option=f"bases.{found.name}.egress")
            return Recipe(
                name=found.name,
                image=found.image,
                source=found.source,
                setup=found.setup,
                description=found.description,
                version=found.version,
                egress=egress,
                provision=self.read_provision(found),
            )
        except PixelsError as error:
            error.add_prefix(found.location)
            raise

    def read_provision(self, found: ConfiguredBase) -> ProvisionSpec | None:
        """Return the provisioning of a table of the configuration file, with its tools."""
        spec = self.provision() if found.provision else None
        return spec and replace(spec, devtools=found.devtools, devtools_lock=found.devtools_lock)

    def chain(self, name: str) -> list[Recipe]:
        """Return the recipes that a base is built from, the root first. Raises `Invalid` for a circle."""
        found: list[Recipe] = []
        while True:
            if any(each.name == name for each in found):
                circle = " from ".join([*(each.name for each in found), name])
                raise Invalid.in_field("from", f"invalid recipe of the base {found[0].name}", f"a circle: {circle}")
            recipe = self.get(name)
            found.append(recipe)
            if recipe.source is None:
                return found[::-1]
            name = recipe.source
