"""What the programs of this folder share: a Unitree robot's topics by the vendor's own Python library.

    pip install cyclonedds numpy mujoco && pip install --no-deps unitree-sdk2py-dimos
"""

import os
import sys

from unitree_sdk2py.core.channel import ChannelFactoryInitialize, ChannelPublisher, ChannelSubscriber
from unitree_sdk2py.idl.default import (
    unitree_api_msg_dds__ResponseHeader_,
    unitree_go_msg_dds__LowCmd_,
    unitree_go_msg_dds__LowState_,
)
from unitree_sdk2py.idl.unitree_api.msg.dds_ import Request_, Response_
from unitree_sdk2py.idl.unitree_go.msg.dds_ import LowCmd_, LowState_
from unitree_sdk2py.utils.crc import CRC

__all__ = [
    "CRC",
    "ChannelPublisher",
    "ChannelSubscriber",
    "LowCmd_",
    "LowState_",
    "Request_",
    "Response_",
    "begin",
    "check",
    "unitree_api_msg_dds__ResponseHeader_",
    "unitree_go_msg_dds__LowCmd_",
    "unitree_go_msg_dds__LowState_",
]


def begin() -> int:
    """Takes part in a domain on the loopback interface that nobody else on this machine is likely to use. Returns its number."""
    domain = 40 + os.getpid() % 50
    ChannelFactoryInitialize(domain, "lo")
    return domain


def check(what: str, is_so: bool) -> None:
    print(f"{'ok  ' if is_so else 'FAIL'} {what}", flush=True)
    if not is_so:
        sys.exit(1)
