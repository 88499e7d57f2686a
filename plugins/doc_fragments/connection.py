# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which NAS and how to log in."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  profile:
    description:
      - Name of a NAS in the configuration file, C(~/.config/pixels/config.toml), there the table C([nas.NAME]).
        Every option that is left out here has its value from there.
      - Left out, E(PIXELS_NAS) is used. Without either, and with nothing in the environment,
        the file's tables C([truenas]), C([ssh]) and C([defaults]) are.
    type: str
  host:
    description:
      - Name or address of the TrueNAS host.
      - Left out, as all options here, it comes from the variable C(pixels_nas_host) of the host a task runs for, which
        the inventory sets, then from E(PIXELS_TRUENAS_HOST), then from the configuration file.
    type: str
  port:
    description:
      - Port of its web interface.
      - Left out, E(PIXELS_TRUENAS_PORT) is used, else 443.
    type: int
  username:
    description:
      - Account to log in as; an API key needs the name of the account it belongs to.
      - Left out, E(PIXELS_TRUENAS_USERNAME) is used, else V(root).
    type: str
  api_key:
    description:
      - API key to log in with. TrueNAS revokes keys that travel unencrypted,
        so it is never sent without TLS except to this machine.
      - Left out, E(PIXELS_TRUENAS_API_KEY) is used, unless O(api_key_file) or O(password) is given.
    type: str
  api_key_file:
    description:
      - File on the controller that holds the API key, and nothing else.
      - Left out, E(PIXELS_TRUENAS_API_KEY_FILE) is used, unless O(api_key) or O(password) is given.
    type: path
  password:
    description:
      - Password to log in with, when there is no API key.
      - Left out, E(PIXELS_TRUENAS_PASSWORD) is used, unless O(api_key) or O(api_key_file) is given.
    type: str
  login_mechanism:
    description:
      - How an API key proves itself. V(scram) never sends it and needs TrueNAS 26; V(plain) sends it inside TLS;
        V(auto) uses SCRAM where the host offers it. A SCRAM login that fails is never repeated in the clear.
      - Left out, E(PIXELS_TRUENAS_LOGIN_MECHANISM) is used, else V(auto).
    type: str
    choices: [auto, scram, plain]
  use_tls:
    description:
      - Whether to encrypt. Without it, an API key is only sent to this machine itself.
      - Left out, E(PIXELS_TRUENAS_USE_TLS) is used, else V(true).
    type: bool
  validate_certs:
    description:
      - Whether the certificate of the host must be valid for its name. The one TrueNAS comes with never is;
        give the host a proper one, or name its authority with O(ca_path).
      - Left out, E(PIXELS_TRUENAS_VALIDATE_CERTS) is used, else V(true).
    type: bool
  ca_path:
    description:
      - File with the certificates of authorities to trust, in PEM form, instead of the system's.
      - Left out, E(PIXELS_TRUENAS_CA_PATH) is used.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection.
      - Left out, E(PIXELS_CONNECT_TIMEOUT) is used, else 10.
    type: float
  call_timeout:
    description:
      - Seconds to wait for the answer to one call. Jobs, such as creating a container, have their own time.
      - Left out, E(PIXELS_CALL_TIMEOUT) is used, else 60.
    type: float
  login_wait:
    description:
      - Seconds to wait for when the host takes no more logins; it accepts 20 a minute from one address.
      - Left out, E(PIXELS_LOGIN_WAIT) is used, else 70.
    type: float
  session:
    description:
      - With V(auto), all that one user runs on one machine shares one login to the host. The first one starts a small
        process that holds the connection for the others, and ends when nobody has used it for O(session_idle) seconds.
        Where that is not possible, it is as with V(direct).
      - With V(direct), each task logs in by itself.
      - Left out, E(PIXELS_SESSION) is used, else V(auto).
    type: str
    choices: [auto, direct]
  session_idle:
    description:
      - Seconds that a shared session stays open after its last use. With V(0) there is none, as with O(session=direct).
      - Left out, E(PIXELS_SESSION_IDLE) is used, else 60.
    type: float
requirements:
  - websocket-client >= 1.6 on the machine the module runs on
"""
