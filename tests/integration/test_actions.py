# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of modules in whole plays: everything a task may say beside its options behaves.

A start of Ansible takes longer than most tasks, so a playbook has the tasks of many lines of the tests.
"""

from __future__ import annotations

import re

import pytest

from tests.simulator.running import running_simulator

MIB = 1024 * 1024
NAMES = ("web", "db", "cache")

# Hosts as the inventory plugin describes them: each with the pixel it is, and nothing that could be logged in to.
FLEET = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.add_host:
        name: "{{ item }}"
        groups: [pixels]
        pixels_name: "{{ item }}"
        ansible_host: 203.0.113.1
      loop: [web, db, cache]
      changed_when: false
"""
OF_PIXELS = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: grow
      pixels.truenas.pixels_container:
        memory: 4GiB
- hosts: pixels
  gather_facts: false
  become: true
  tasks:
    - name: become
      pixels.truenas.pixels_container:
        state: stopped
"""
OF_KEYWORD = """
- hosts: pixels
  gather_facts: false
  {keyword}
  tasks:
    - name: "{keyword}"
      pixels.truenas.pixels_container:
        state: {state}
"""
KEYWORDS = {
    "serial: 1": "started",
    "strategy: free": "stopped",
    "strategy: host_pinned": "started",
    "order: reverse_sorted": "stopped",
}
OF_ONE_PIXEL = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: run once
      pixels.truenas.pixels_container:
        state: absent
      run_once: true
- hosts: db
  gather_facts: false
  tasks:
    - name: delegate
      pixels.truenas.pixels_container:
        state: absent
      delegate_to: localhost
"""


@pytest.fixture
def release():
    """One is enough: what Ansible does with a task has nothing to do with the API."""
    return "25.10"


@pytest.fixture
def fleet(truenas):
    for name in NAMES:
        truenas.world.add_container(f"px-{name}")


def results(played, task):
    return {each["host"]: each["result"] for each in played["results"] if each["task"] == task}


def test_tasks_of_pixels_run_for_each_of_them_and_in_any_order(ansible, truenas, fleet):
    plays = "".join(OF_KEYWORD.format(keyword=keyword, state=state) for keyword, state in KEYWORDS.items())

    played = ansible.play(FLEET + OF_PIXELS + plays + OF_ONE_PIXEL, "--forks", "3")

    for task in ("grow", "become", *KEYWORDS):
        assert {host: result["changed"] for host, result in results(played, task).items()} == dict.fromkeys(
            NAMES, True
        ), task
    assert set(results(played, "run once")) == {"web"}
    assert set(results(played, "delegate")) == {"db"}
    [cache] = truenas.world.containers.values()
    assert (cache.name, cache.memory, cache.status) == ("px-cache", 4096 * MIB, "STOPPED")


def test_keywords_of_a_task_count(ansible, truenas):
    host = ansible.environment.pop("PIXELS_TRUENAS_HOST")
    truenas.world.options.create_seconds = 0.2

    played = ansible.play(
        f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - name: environment of the task
      pixels.truenas.pixels_nas_info:
      environment:
        PIXELS_TRUENAS_HOST: {host}
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/pixels.truenas.pixels:
      host: {host}
  tasks:
    - name: defaults of the group
      pixels.truenas.pixels_nas_info:
    - pixels.truenas.pixels_container_info:
    - name: loop
      pixels.truenas.pixels_container:
        name: "{{{{ item }}}}"
        state: present
      loop: [web, db]
      register: made
    - name: report
      ansible.builtin.debug:
        msg: "{{{{ made.results | map(attribute='container.full_name') | join(',') }}}}"
      when: made is changed
    - name: hidden
      pixels.truenas.pixels_container:
        name: secret
        environment: {{TOKEN: sesame}}
      no_log: true
    - name: fleet
      pixels.truenas.pixels_fleet:
        fleet: agents
        pixels: "{{{{ range(1, 4) | map('regex_replace', '^', 'agent-') | list }}}}"
    - name: fleet of which one fails
      pixels.truenas.pixels_fleet:
        pixels: [{{name: web, image: debian/12}}, other]
""",
        "-v",
        check=False,
    )

    for task in ("environment of the task", "defaults of the group"):
        assert results(played, task)["localhost"]["nas"]["ready"]
    assert results(played, "report")["localhost"]["msg"] == "px-web,px-db"
    assert "sesame" not in played["text"]
    assert "censored" in results(played, "hidden")["localhost"]
    assert results(played, "fleet")["localhost"]["summary"]["created"] == 3
    assert "agent-3: created" in played["text"]
    percents = [int(percent) for percent in re.findall(r"^agent-1: (\d+) % ", played["text"], re.MULTILINE)]
    assert percents
    assert percents == sorted(percents)
    assert "web: web was made from ubuntu noble" in results(played, "fleet of which one fails")["localhost"]["msg"]
    assert played["rc"] == 2
    assert "px-other" in truenas.world.containers


def test_check_mode_and_diff_of_the_command_line_reach_the_module_and_a_task_may_leave_it(ansible, truenas, fleet):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: grow
      pixels.truenas.pixels_container:
        name: web
        memory: 4GiB
    - pixels.truenas.pixels_container:
        name: new
      check_mode: false
""",
        "--check",
        "--diff",
    )

    [diff] = [
        each["result"]["diff"] for each in played["results"] if (each["outcome"], each["task"]) == ("diff", "grow")
    ]
    assert (diff["before"]["memory"], diff["after"]["memory"]) == ("2GiB", "4GiB")
    assert truenas.world.containers["px-web"].memory == 2048 * MIB
    assert "px-new" in truenas.world.containers


def test_the_key_is_in_nothing_that_the_most_verbose_run_prints(ansible, truenas):
    key = truenas.api_key
    played = ansible.play(
        f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        name: web
        api_key: {key}
        environment: {{TOKEN: {key}}}
    - pixels.truenas.pixels_container:
        name: we_b
        api_key: {key}
      ignore_errors: true
""",
        "-vvvvv",
    )

    assert key not in played["text"]


BOXES = """
plugin: pixels.truenas.pixels
hostname: name.nas
nas:
  - {{host: {one.host}, port: {one.port}, username: {one.username}, ca_path: {one.ca_file}}}
  - {{host: {two.host}, port: {two.port}, username: {two.username}, ca_path: {two.ca_file}, api_key: {two.api_key}}}
"""
START = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: start
      pixels.truenas.pixels_container:
        state: started
"""


def test_the_key_of_one_box_is_never_sent_to_another_and_each_has_its_own(ansible, truenas, release, engine, tmp_path):
    with running_simulator(release=release, engine=engine) as other:
        for nas in (truenas, other):
            nas.world.add_container("px-web", status="STOPPED")
        (tmp_path / "two.pixels.yml").write_text(BOXES.format(one=truenas, two=other))
        inventory = ("-i", str(tmp_path / "two.pixels.yml"))

        played = ansible.play(START, *inventory, check=False)

        failed = [each for each in played["results"] if each["outcome"] == "failed"]
        assert [each["host"] for each in failed] == [f"web.{other.host}.{other.port}"]
        assert "credential of its own" in failed[0]["result"]["msg"]
        assert [nas.world.containers["px-web"].status for nas in (truenas, other)] == ["RUNNING", "STOPPED"]
        # That of the inventory itself.
        assert (other.stats.logins, other.stats.login_attempts) == (1, 1)

        group = f"pixels_nas_{other.host}_{other.port}".replace(".", "_")
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / f"{group}.yml").write_text(f"pixels_nas_api_key: {other.api_key}\n")

        ansible.play(START, *inventory)

        assert [nas.world.containers["px-web"].status for nas in (truenas, other)] == ["RUNNING"] * 2


def test_bare_names_work_in_the_checkout_and_free_text_is_the_command_of_exec(ansible, truenas, fleet):
    ended = ansible.run(
        "ansible", "localhost", "-m", "pixels_exec", "-a", "uptime", "-e", "pixels_name=gone", check=False
    )

    assert "no pixel named gone" in ended.stdout
