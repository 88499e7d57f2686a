# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the recipes of bases in the configuration file."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import resolver
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.base_table import read


def resolved(tmp_path, text, **given):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return resolver.resolve({"config": str(path), **given}.get, environ={})


def test_each_table_is_a_recipe_with_its_place(tmp_path):
    found = resolved(
        tmp_path,
        '[bases.web-server]\nimage = "debian/12"\nsetup = """\ntrue\n"""\negress = "agent"\nprovision = true\n'
        '[bases.tests]\nfrom = "web-server"\n',
    ).bases

    assert [(each.name, each.image, each.source) for each in found] == [
        ("web-server", "debian/12", None),
        ("tests", None, "web-server"),
    ]
    assert (found[0].setup, found[0].egress, found[0].provision) == ("true\n", "agent", True)
    assert found[1].location == f"{tmp_path}/config.toml line 8"


def test_a_profile_adds_its_bases(tmp_path):
    text = '[bases.a]\nimage = "x"\n[nas.home]\nhost = "h"\n[nas.home.bases.b]\nimage = "y"\n'

    assert [each.name for each in resolved(tmp_path, text, profile="home").bases] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[bases.a]\nsetup = "true"', "bases.a must have either image or from"),
        ('[bases.a]\nimage = "x"\nfrom = "b"', "bases.a must have either image or from"),
        ('[bases.a]\nimage = "x"\nscript = "b"', "bases.a has the unknown key script"),
        ("[bases.a]\nimage = 3", "bases.a has a image that is not a quoted string"),
        ('[bases.a]\nimage = "x"\nprovision = "yes"', "bases.a has a provision that is not true, false or a table"),
        ('[bases.a]\nimage = "x"\nprovision = {keys = 1}', "bases.a has a provision with the unknown key keys"),
        ('[bases.a]\nimage = "x"\nprovision = {devtools = "git"}', "has devtools that are not true, false or a list"),
        ('[bases.a]\nimage = "x"\nprovision = {devtools_lock = 1}', "has a devtools_lock that is not a quoted string"),
        ('[bases.a]\nimage = "x"\negress = 3', "bases.a has an egress that is neither a mode nor a table"),
        ('[bases]\na = "x"', "bases.a is not a table"),
        ('[bases."a b"]\nimage = "x"', "is not the name of a base"),
    ],
)
def test_a_wrong_table_is_an_error_with_its_line(tmp_path, text, problem):
    with pytest.raises(Invalid) as caught:
        _found = resolved(tmp_path, text)

    assert problem.replace("bases.a ", "") in str(caught.value)
    assert f"{tmp_path}/config.toml line" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "tools"), [("true", ("default",)), ("false", None), ('["git", "gh"]', ("git", "gh"))]
)
def test_a_base_can_have_tools_of_a_lock(tmp_path, value, tools):
    text = f'[bases.a]\nimage = "x"\nprovision = {{devtools = {value}, devtools_lock = "l.json"}}\n'

    (found,) = resolved(tmp_path, text).bases

    assert (found.provision, found.devtools, found.devtools_lock) == (True, tools, "l.json")


def test_what_is_not_set_has_its_default():
    assert read({"image": "x"}).version == ""
