# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection plugin's options for the NAS."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection plugin for the connection to a NAS."""

    DOCUMENTATION = r"""
options:
  nas_profile:
    description: Name of a profile in the configuration file.
    type: str
    vars:
      - name: pixels_nas_profile
  nas_host:
    description:
      - Name or address of the TrueNAS host.
      - Defaults to E(PIXELS_TRUENAS_HOST), then to the configuration file. So do the other options of the NAS.
    type: str
    vars:
      - name: pixels_nas_host
  nas_port:
    description: Port of the web interface of the NAS.
    type: int
    vars:
      - name: pixels_nas_port
  nas_username:
    description: Account on the NAS.
    type: str
    vars:
      - name: pixels_nas_username
  nas_api_key:
    description: API key of the account.
    type: str
    vars:
      - name: pixels_nas_api_key
  nas_api_key_file:
    description: Path to a file on the controller that contains the API key.
    type: path
    vars:
      - name: pixels_nas_api_key_file
  nas_password:
    description: Password of the account, if there is no API key.
    type: str
    vars:
      - name: pixels_nas_password
  nas_has_own_credential:
    description:
      - The inventory sets it if the credential of the NAS comes from the inventory file alone. Then no other credential
        is sent to this NAS.
    type: bool
    default: false
    vars:
      - name: pixels_nas_has_own_credential
  nas_login_mechanism:
    description: How to log in with an API key.
    type: str
    choices: [auto, scram, plain]
    vars:
      - name: pixels_nas_login_mechanism
  nas_use_tls:
    description: Set to V(false) to connect without encryption.
    type: bool
    vars:
      - name: pixels_nas_use_tls
  nas_validate_certs:
    description: Set to V(false) to accept any certificate.
    type: bool
    vars:
      - name: pixels_nas_validate_certs
  nas_ca_path:
    description: Path to the certificates of trusted authorities.
    type: path
    vars:
      - name: pixels_nas_ca_path
  nas_connect_timeout:
    description: Seconds to wait for a connection to the NAS.
    type: float
    vars:
      - name: pixels_nas_connect_timeout
  nas_call_timeout:
    description: Seconds to wait for the answer to one call.
    type: float
    vars:
      - name: pixels_nas_call_timeout
  nas_login_wait:
    description: Seconds to wait while the NAS rejects logins because of its rate limit.
    type: float
    vars:
      - name: pixels_nas_login_wait
  nas_session:
    description: V(auto) shares one login with all processes of this user on the controller. V(direct) does not.
    type: str
    choices: [auto, direct]
    vars:
      - name: pixels_nas_session
  nas_session_idle:
    description: Seconds that a shared session stays open after its last use.
    type: float
    vars:
      - name: pixels_nas_session_idle
"""
