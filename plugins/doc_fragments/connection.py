# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for the connection to a NAS."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `CONNECTION` in `module_utils/_ansible/options.py` defines."""

    DOCUMENTATION = r"""
options:
  profile:
    description:
      - Name of a profile in the configuration file C(~/.config/pixels/config.toml). A profile is a table
        C([nas.NAME]) with the settings of a NAS.
      - The connection settings of this profile take precedence over environment variables.
      - Defaults to E(PIXELS_NAS). Environment variables take precedence over a profile from this variable.
      - Without a profile, the tables C([truenas]), C([ssh]) and C([defaults]) of the configuration file are used.
    type: str
  host:
    description:
      - Host name or address of the NAS.
      - Defaults to E(PIXELS_TRUENAS_HOST), then to the configuration file.
      - In tasks, host variables with the prefix C(pixels_nas_), such as C(pixels_nas_host), take precedence over the
        other defaults of the connection options. The inventory plugin sets these variables.
    type: str
  port:
    description:
      - Port of the web interface of the NAS.
      - Defaults to E(PIXELS_TRUENAS_PORT), then 443.
    type: int
  username:
    description:
      - Account on the NAS. For a login with an API key, it must be the account that owns the key.
      - Defaults to E(PIXELS_TRUENAS_USERNAME), then V(root).
    type: str
  api_key:
    description:
      - API key of the account.
      - TrueNAS revokes API keys that are sent without TLS, so the key is only sent over TLS or to the local machine.
      - Defaults to E(PIXELS_TRUENAS_API_KEY) if neither O(api_key_file) nor O(password) is set.
    type: str
  api_key_file:
    description:
      - Path to a file on the controller that contains only the API key.
      - Defaults to E(PIXELS_TRUENAS_API_KEY_FILE) if neither O(api_key) nor O(password) is set.
    type: path
  password:
    description:
      - Password of the account, as an alternative to an API key.
      - Defaults to E(PIXELS_TRUENAS_PASSWORD) if neither O(api_key) nor O(api_key_file) is set.
    type: str
  login_mechanism:
    description:
      - How to log in with an API key.
      - V(scram) proves the possession of the key without sending it. Requires TrueNAS 26.
      - V(plain) sends the key over TLS.
      - V(auto) uses SCRAM if the NAS supports it. A failed SCRAM login is not repeated with V(plain).
      - Defaults to E(PIXELS_TRUENAS_LOGIN_MECHANISM), then V(auto).
    type: str
    choices: [auto, scram, plain]
  use_tls:
    description:
      - Whether to use TLS.
      - Defaults to E(PIXELS_TRUENAS_USE_TLS), then V(true).
    type: bool
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the NAS.
      - The certificate that TrueNAS generates is self-signed and fails the verification. Install a trusted certificate
        on the NAS, or set O(ca_path).
      - Defaults to E(PIXELS_TRUENAS_VALIDATE_CERTS), then V(true).
    type: bool
  ca_path:
    description:
      - Path to a PEM file of CA certificates to trust instead of those of the system.
      - Defaults to E(PIXELS_TRUENAS_CA_PATH).
    type: path
  connect_timeout:
    description:
      - Timeout of the connection setup, in seconds.
      - Defaults to E(PIXELS_CONNECT_TIMEOUT), then 10.
    type: float
  call_timeout:
    description:
      - Timeout of a single API call, in seconds. Does not apply to jobs, such as the creation of a container.
      - Defaults to E(PIXELS_CALL_TIMEOUT), then 60.
    type: float
  login_wait:
    description:
      - Seconds to wait if the NAS rejects a login because of its rate limit. TrueNAS allows 20 logins per minute from
        one address.
      - Defaults to E(PIXELS_LOGIN_WAIT), then 70.
    type: float
  session:
    description:
      - V(auto) uses the session daemon, a process on the controller that logs in once and shares its connection with
        all processes of the same user. It is started when needed, and exits after O(session_idle) seconds without use.
        If it cannot be started, V(auto) is the same as V(direct).
      - V(direct) logs in for each task.
      - Defaults to E(PIXELS_SESSION), then V(auto).
    type: str
    choices: [auto, direct]
  session_idle:
    description:
      - Seconds without use after which the session daemon exits. V(0) disables the session daemon.
      - Defaults to E(PIXELS_SESSION_IDLE), then 60.
    type: float
requirements:
  - websocket-client >= 1.6 on the machine that runs the module
"""
