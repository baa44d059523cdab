"""The frames of the bench: inner frames of 64 bytes, plain or in VXLAN.

Flow i has a source and a destination of its own:

    MAC   02:00:00 + s  ->  02:10:00 + d
    IPv4  10.16.0.0 + s ->  10.32.0.0 + d
    UDP   1024 + i mod 60000 -> 5000

where s = d = i. In a mesh of n stations on each side s = i mod n and d = i / n. There is no FCS.
"""

import struct
import zlib

INNER_LENGTH = 64
OUTER_LENGTH = 50
VNI = 10
VXLAN_PORT = 4789
# The address and the MAC of the remote that sends; UPLINK_MAC is for the switch.
REMOTE = 0xC0000201
LOCAL = 0xC0000202
SECOND_REMOTE = 0xC0000203
REMOTE_MAC = bytes.fromhex("020000000101")
SECOND_REMOTE_MAC = bytes.fromhex("020000000103")
BROADCAST = b"\xff" * 6
# Numbers of stations are 24 bits long: the rest of a MAC is the side that it is on.
SOURCE_SIDE = bytes.fromhex("020000")
DESTINATION_SIDE = bytes.fromhex("021000")
SOURCE_NETWORK = 0x0A100000
DESTINATION_NETWORK = 0x0A200000


def checksum(data):
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_packet(addresses, ports, payload):
    """An IPv4 packet with don't-fragment set and no UDP checksum."""
    length = 28 + len(payload)
    head = struct.pack("!BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, 17, 0, *addresses)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", *ports, length - 20, 0) + payload


def source_mac(station):
    """The MAC of a station that sends."""
    return SOURCE_SIDE + station.to_bytes(3, "big")


def destination_mac(station):
    """The MAC of a station that is sent to."""
    return DESTINATION_SIDE + station.to_bytes(3, "big")


def inner_frame(flow, source, destination):
    """The Ethernet frame of a flow between two stations, 64 bytes long."""
    packet = udp_packet(
        (SOURCE_NETWORK + source, DESTINATION_NETWORK + destination),
        (1024 + flow % 60000, 5000),
        bytes(INNER_LENGTH - 42),
    )
    return destination_mac(destination) + source_mac(source) + b"\x08\x00" + packet


def vxlan_frame(inner, uplink_mac):
    """An inner frame as the remote sends it to the switch (RFC 7348, section 5)."""
    entropy = 49152 + zlib.crc32(inner[26:38]) % 16384
    header = struct.pack("!II", 0x08000000, VNI << 8)
    packet = udp_packet((REMOTE, LOCAL), (entropy, VXLAN_PORT), header + inner)
    return uplink_mac + REMOTE_MAC + b"\x08\x00" + packet


def arp_request(mac, address):
    """A remote's question for the switch, which tells where the remote is (RFC 826)."""
    return BROADCAST + mac + b"\x08\x06" + _arp(1, (mac, address), (bytes(6), LOCAL))


def arp_reply(mac, address, uplink_mac):
    """A remote's answer to the switch."""
    return uplink_mac + mac + b"\x08\x06" + _arp(2, (mac, address), (uplink_mac, LOCAL))


def _arp(operation, sender, target):
    body = struct.pack("!HHBBH6sI6sI", 1, 0x0800, 6, 4, operation, *sender, *target)
    return body + bytes(18)


def filler():
    """A frame that takes time and is dropped: to a group that no bridge forwards (pause frames)."""
    return bytes.fromhex("0180c2000001") + REMOTE_MAC + b"\x88\x08" + bytes(46)
