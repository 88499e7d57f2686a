# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for devices of a pixel."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `SPECIFICATION` in `module_utils/_ansible/pixel_options.py` defines."""

    DOCUMENTATION = r"""
options:
  devices:
    description:
      - Devices of the NAS that the pixel gets. A device that exists with other values is changed. Other devices of the
        pixel are unchanged, unless O(purge_devices=true).
      - A disk is identified by O(devices[].path), a proxy by O(devices[].protocol) and O(devices[].listen_port), a GPU
        by O(devices[].pci), a USB device by O(devices[].vendor) and O(devices[].product), and a network interface by
        O(devices[].segment).
      - On TrueNAS 26, a running pixel gets changes of its devices when it starts the next time.
      - If omitted, the devices of existing pixels are unchanged.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - Type of the device.
          - V(disk) mounts a directory of the NAS in the pixel. Requires O(devices[].source) and O(devices[].path).
          - V(proxy) forwards a port of the NAS to a port of the pixel. Requires O(devices[].listen_port) and
            O(devices[].connect_port). Not supported on TrueNAS 26.
          - V(gpu) passes a GPU to the pixel. Requires O(devices[].pci).
          - V(nic) attaches a further network interface to a segment. Requires O(devices[].segment). In the pixel, the
            first one is C(eth1), in the order of the list.
          - V(usb) passes a USB device to the pixel. Requires O(devices[].vendor) and O(devices[].product).
        type: str
        choices: [disk, proxy, gpu, usb, nic]
        required: true
      source:
        description:
          - Directory on the NAS, as a path below C(/mnt) or as the name of a dataset, such as V(tank/data) for
            V(/mnt/tank/data).
          - On TrueNAS 25.04 and 25.10, it must be the mount point of a dataset.
        type: str
      path:
        description: Absolute path of the directory in the pixel.
        type: str
      protocol:
        description: Protocol of the port. Defaults to V(tcp).
        type: str
        choices: [tcp, udp]
      listen_port:
        description: Port of the NAS, on all of its IPv4 addresses.
        type: int
      connect_port:
        description: Port of the pixel.
        type: int
      pci:
        description: PCI address of the GPU, such as V(0000:01:00.0).
        type: str
      vendor:
        description: Vendor ID of the USB device, four hexadecimal digits such as V(046b).
        type: str
      product:
        description: Product ID of the USB device, four hexadecimal digits.
        type: str
      segment:
        description: Name of a segment, see M(pixels.truenas.pixels_segment).
        type: str
  purge_devices:
    description:
      - Set to V(true) to remove disks, proxies, GPUs, USB devices and further network interfaces that O(devices) does
        not list. The first network interface, the root disk and devices of other types are never removed.
      - On TrueNAS 25.04 and 25.10, this requires an account with the role C(VIRT_INSTANCE_DELETE). On TrueNAS 26,
        devices can be removed only from a pixel that is stopped, or with O(state=stopped).
    type: bool
    default: false
"""
