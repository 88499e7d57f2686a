# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of domains that an egress policy can allow by one name.

Each vendor documents its own domains. Package registries and distributions are defaults: where a pixel's package
manager is set to another host, that host is used instead (`inspection.py`).
"""

from __future__ import annotations

import typing as t

GROUPS: t.Mapping[str, tuple[str, ...]] = {
    "alpine": ("dl-cdn.alpinelinux.org",),
    "arch": ("geo.mirror.pkgbuild.com", "*.mirror.pkgbuild.com"),
    "claude": ("api.anthropic.com", "claude.ai", "claude.com", "downloads.claude.ai", "platform.claude.com"),
    "codex": ("api.openai.com", "auth.openai.com", "chatgpt.com"),
    "copilot": ("*.githubcopilot.com", "github.githubassets.com"),
    "crates": ("crates.io", "index.crates.io", "sh.rustup.rs", "static.crates.io", "static.rust-lang.org"),
    "debian": ("deb.debian.org", "security.debian.org"),
    "docker": (
        "auth.docker.io",
        "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com",
        "ghcr.io",
        "pkg-containers.githubusercontent.com",
        "production.cloudflare.docker.com",
        "production.cloudfront.docker.com",
        "registry-1.docker.io",
    ),
    "fedora": ("dl.fedoraproject.org", "mirrors.fedoraproject.org"),
    "gemini": ("cloudcode-pa.googleapis.com", "generativelanguage.googleapis.com", "oauth2.googleapis.com"),
    "github": (
        "*.githubusercontent.com",
        "api.github.com",
        "codeload.github.com",
        "github-cloud.s3.amazonaws.com",
        "github.com",
        "lfs.github.com",
        "uploads.github.com",
    ),
    "gitlab": ("gitlab.com", "registry.gitlab.com"),
    "go": ("dl.google.com", "go.dev", "proxy.golang.org", "sum.golang.org"),
    "mise": (
        "fulcio.sigstore.dev",
        "mise-versions.jdx.dev",
        "mise.jdx.dev",
        "mise.run",
        "rekor.sigstore.dev",
        "tmaproduction.blob.core.windows.net",
        "tuf-repo-cdn.sigstore.dev",
    ),
    "npm": ("nodejs.org", "registry.npmjs.org", "registry.yarnpkg.com", "repo.yarnpkg.com"),
    "opencode": ("models.dev", "opencode.ai"),
    "pypi": ("files.pythonhosted.org", "pypi.org"),
    "ubuntu": (
        "*.archive.ubuntu.com",
        "archive.ubuntu.com",
        "keyserver.ubuntu.com",
        "ports.ubuntu.com",
        "ppa.launchpadcontent.net",
        "security.ubuntu.com",
    ),
}
"""Sources: code.claude.com/docs/en/network-config, docs.github.com (Copilot allowlist reference), docs.docker.com
(Docker Desktop allow list), and the documentation of each package manager; read in November 2026."""

DISTRIBUTION = "distribution"
"""Stands for the group of the pixel's own distribution."""

DISTRIBUTIONS = ("alpine", "arch", "debian", "fedora", "ubuntu")

NAMES = tuple(sorted((*GROUPS, DISTRIBUTION)))

AGENT = (
    "claude",
    "codex",
    "crates",
    DISTRIBUTION,
    "gemini",
    "github",
    "gitlab",
    "go",
    "mise",
    "npm",
    "opencode",
    "pypi",
)
"""The groups of mode `agent`."""
