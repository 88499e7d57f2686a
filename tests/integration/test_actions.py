# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of modules in whole plays: everything a task may say beside its options behaves."""

from __future__ import annotations

import re

import pytest

MIB = 1024 * 1024

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


@pytest.fixture
def release():
    """One is enough: what Ansible does with a task has nothing to do with the API."""
    return "25.10"


@pytest.fixture
def fleet(truenas):
    for name in ("px-web", "px-db", "px-cache"):
        truenas.world.add_container(name)


def results(played, task):
    return {each["host"]: each["result"] for each in played["results"] if each["task"] == task}


def test_a_play_over_pixels_needs_no_delegation(ansible, truenas, fleet):
    played = ansible.play(
        FLEET
        + """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: grow
      pixels.truenas.pixels_container:
        memory: 4GiB
"""
    )

    assert set(results(played, "grow")) == {"web", "db", "cache"}
    assert {made.memory for made in truenas.world.containers.values()} == {4096 * MIB}


def test_become_is_no_concern_of_the_nas(ansible, truenas, fleet):
    ansible.play(
        FLEET
        + """
- hosts: pixels
  gather_facts: false
  become: true
  tasks:
    - pixels.truenas.pixels_container:
        state: stopped
"""
    )

    assert {made.status for made in truenas.world.containers.values()} == {"STOPPED"}


@pytest.mark.parametrize("keyword", ["serial: 1", "strategy: free", "strategy: host_pinned", "order: reverse_sorted"])
def test_the_order_of_hosts_is_ansibles_business(ansible, truenas, fleet, keyword):
    ansible.play(
        FLEET
        + f"""
- hosts: pixels
  gather_facts: false
  {keyword}
  tasks:
    - pixels.truenas.pixels_container:
        state: absent
""",
        "--forks",
        "3",
    )

    assert truenas.world.containers == {}


def test_run_once_runs_for_the_first_host(ansible, truenas, fleet):
    ansible.play(
        FLEET
        + """
- hosts: pixels
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        state: absent
      run_once: true
"""
    )

    assert set(truenas.world.containers) == {"px-db", "px-cache"}


def test_a_delegated_task_still_means_the_pixel_of_its_host(ansible, truenas, fleet):
    ansible.play(
        FLEET
        + """
- hosts: db
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        state: absent
      delegate_to: localhost
"""
    )

    assert set(truenas.world.containers) == {"px-web", "px-cache"}


def test_loops_register_and_conditions_work(ansible, truenas):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        name: "{{ item }}"
        state: present
      loop: [web, db]
      register: made
    - name: report
      ansible.builtin.debug:
        msg: "{{ made.results | map(attribute='container.full_name') | join(',') }}"
      when: made is changed
"""
    )

    assert results(played, "report")["localhost"]["msg"] == "px-web,px-db"


def test_check_mode_and_diff_of_the_command_line_reach_the_module(ansible, truenas, fleet):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: grow
      pixels.truenas.pixels_container:
        name: web
        memory: 4GiB
""",
        "--check",
        "--diff",
    )

    [diff] = [each["result"]["diff"] for each in played["results"] if each["outcome"] == "diff"]
    assert (diff["before"]["memory"], diff["after"]["memory"]) == ("2GiB", "4GiB")
    assert truenas.world.containers["px-web"].memory == 2048 * MIB


def test_a_task_may_leave_check_mode(ansible, truenas):
    ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        name: web
      check_mode: false
""",
        "--check",
    )

    assert set(truenas.world.containers) == {"px-web"}


def test_no_log_hides_the_result(ansible, truenas):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: hidden
      pixels.truenas.pixels_container:
        name: web
        environment: {TOKEN: sesame}
      no_log: true
"""
    )

    assert "sesame" not in played["text"]
    assert "censored" in results(played, "hidden")["localhost"]


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


def test_module_defaults_of_the_group_reach_every_module(ansible, truenas):
    host = ansible.environment.pop("PIXELS_TRUENAS_HOST")

    played = ansible.play(
        f"""
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/pixels.truenas.pixels:
      host: {host}
  tasks:
    - name: look
      pixels.truenas.pixels_nas_info:
    - pixels.truenas.pixels_container:
        name: web
    - pixels.truenas.pixels_container_info:
    - pixels.truenas.pixels_fleet:
        pixels: [web]
"""
    )

    assert results(played, "look")["localhost"]["nas"]["ready"]
    assert set(truenas.world.containers) == {"px-web"}


def test_the_environment_of_a_task_names_the_nas(ansible, truenas):
    host = ansible.environment.pop("PIXELS_TRUENAS_HOST")

    played = ansible.play(
        f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - name: look
      pixels.truenas.pixels_nas_info:
      environment:
        PIXELS_TRUENAS_HOST: {host}
"""
    )

    assert results(played, "look")["localhost"]["nas"]["ready"]


def test_in_the_background_the_module_itself_runs(ansible, truenas):
    ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        name: web
      async: 60
      poll: 1
"""
    )

    assert truenas.world.containers["px-web"].status == "RUNNING"


def test_a_play_over_two_boxes_reaches_the_right_one(ansible, truenas, release, engine):
    from tests.simulator.running import running_simulator

    with running_simulator(release=release, engine=engine) as other:
        boxes = "".join(
            f"""
    - ansible.builtin.add_host:
        name: {name}
        groups: [pixels]
        pixels_name: web
        pixels_nas_host: {nas.host}
        pixels_nas_port: {nas.port}
        pixels_nas_username: {nas.username}
        pixels_nas_api_key: {nas.api_key}
        pixels_nas_ca_path: {nas.ca_file}
"""
            for name, nas in (("one", truenas), ("two", other))
        )
        other.world.add_container("px-web", status="STOPPED")
        truenas.world.add_container("px-web", status="STOPPED")

        ansible.play(
            f"""
- hosts: localhost
  gather_facts: false
  tasks:{boxes}
- hosts: two
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container:
        state: started
"""
        )

        assert truenas.world.containers["px-web"].status == "STOPPED"
        assert other.world.containers["px-web"].status == "RUNNING"


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


@pytest.fixture
def boxes(ansible, truenas, release, engine, tmp_path):
    """Two boxes in one inventory file, the key of the second in it; that second, and the options that name the file."""
    from tests.simulator.running import running_simulator

    with running_simulator(release=release, engine=engine) as other:
        for nas in (truenas, other):
            nas.world.add_container("px-web", status="STOPPED")
        (tmp_path / "two.pixels.yml").write_text(BOXES.format(one=truenas, two=other))
        yield other, ("-i", str(tmp_path / "two.pixels.yml"))


def test_the_key_of_one_box_is_never_sent_to_another(ansible, truenas, boxes):
    other, inventory = boxes

    played = ansible.play(START, *inventory, check=False)

    failed = [each for each in played["results"] if each["outcome"] == "failed"]
    assert [each["host"] for each in failed] == [f"web.{other.host}.{other.port}"]
    assert "credential of its own" in failed[0]["result"]["msg"]
    assert truenas.world.containers["px-web"].status == "RUNNING"
    # That of the inventory itself.
    assert (other.stats.logins, other.stats.login_attempts) == (1, 1)


def test_each_box_of_an_inventory_gets_its_own_key_from_a_variable_of_its_group(ansible, truenas, boxes, tmp_path):
    other, inventory = boxes
    group = f"pixels_nas_{other.host}_{other.port}".replace(".", "_")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / f"{group}.yml").write_text(f"pixels_nas_api_key: {other.api_key}\n")

    ansible.play(START, *inventory)

    assert [nas.world.containers["px-web"].status for nas in (truenas, other)] == ["RUNNING"] * 2


def test_a_fleet_is_one_task(ansible, truenas):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: fleet
      pixels.truenas.pixels_fleet:
        fleet: agents
        pixels: "{{ range(1, 6) | map('regex_replace', '^', 'agent-') | list }}"
""",
        "-v",
    )

    assert results(played, "fleet")["localhost"]["summary"]["created"] == 5
    assert "agent-3: created" in played["text"]


@pytest.mark.parametrize("release", ["25.10"])
def test_a_fleet_tells_how_far_the_jobs_of_the_nas_are(ansible, truenas):
    truenas.world.options.create_seconds = 0.5

    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: fleet
      pixels.truenas.pixels_fleet:
        pixels: [web, db]
""",
        "-v",
    )

    lines = played["text"].splitlines()
    for name in ("web", "db"):
        told = [int(found[1]) for line in lines if (found := re.match(rf"{name}: (\d+) % ", line))]
        assert told
        assert told == sorted(told)


def test_a_pixel_that_fails_fails_the_play_with_its_reason(ansible, truenas):
    truenas.world.add_container("px-web")

    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: fleet
      pixels.truenas.pixels_fleet:
        pixels: [{name: web, image: debian/12}, db]
""",
        check=False,
    )

    assert played["rc"] == 2
    assert "web: web was made from ubuntu noble" in results(played, "fleet")["localhost"]["msg"]
    assert "px-db" in truenas.world.containers


def test_bare_names_work_in_the_checkout(ansible, truenas, fleet):
    ended = ansible.run("ansible", "localhost", "-m", "pixels_container_info", "-a", "names=web")

    assert '"full_name": "px-web"' in ended.stdout


def test_free_text_is_the_command_of_exec(ansible, truenas, fleet):
    ended = ansible.run(
        "ansible", "localhost", "-m", "pixels_exec", "-a", "uptime", "-e", "pixels_name=gone", check=False
    )

    assert "no pixel named gone" in ended.stdout
