# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of Sphinx for `make docs`."""

from __future__ import annotations

import os
import typing as t

from docutils import nodes
from pygments.lexers.special import TextLexer

project = "pixels.truenas"
project_copyright = "the pixels.truenas contributors"
version = release = os.environ["VERSION"]
html_title = f"{project} {version}"
html_short_title = project

extensions = ["myst_parser", "sphinx_antsibull_ext"]
root_doc = "index"
highlight_language = "none"
myst_heading_anchors = 4

html_theme = "sphinx_ansible_theme"
html_theme_options = {
    "tag_manager_id": "",
    "topbar_links": {},
    "vcs_pageview_mode": "raw",
}
html_show_sourcelink = False
html_copy_source = False

ANSIBLE = "https://docs.ansible.com/ansible/latest/"
BUILTIN = "collections/ansible/builtin/"
# Labels of Ansible's own documentation. Its inventory of labels would have to be downloaded for each build.
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_collections.ansible.builtin.command_module": f"{BUILTIN}command_module.html",
    "ansible_collections.ansible.builtin.ssh_connection": f"{BUILTIN}ssh_connection.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def link_to_ansible(_app: t.Any, _environment: t.Any, node: t.Any, text: nodes.Node) -> nodes.reference | None:
    """Return the link for a label that this site does not define."""
    page = LABELS.get(node["reftarget"])
    return nodes.reference("", "", text, internal=False, refuri=ANSIBLE + page) if page else None


def link_to_the_index(_app: t.Any, _page: str, _template: str, context: dict[str, t.Any], _tree: t.Any) -> None:
    """Set the link of the title bar, which the theme does not adapt to the directory of the page."""
    context["theme_documentation_home_url"] = context["pathto"]("index")


def setup(app: t.Any) -> None:
    """Extend Sphinx."""
    app.connect("missing-reference", link_to_ansible)
    app.connect("html-page-context", link_to_the_index)
    # Diagrams are shown as text: a renderer is a script from another site.
    app.add_lexer("mermaid", TextLexer)
