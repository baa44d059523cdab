"""Traffic files, read back."""

import os
import struct
import tempfile
import unittest

from benchlib import frames, hello, traffic
from benchlib.traffic import Traffic

UPLINK = bytes.fromhex("02aabbccddee")


def read_pcap(path):
    """The frames of a capture file."""
    with open(path, "rb") as file:
        data = file.read()
    assert struct.unpack_from("<IHH", data) == (0xA1B2C3D4, 2, 4)
    found, at = [], 24
    while at < len(data):
        length, whole = struct.unpack_from("<II", data, at + 8)
        assert length == whole
        found.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    return found


def written(some):
    """The frames of some traffic, by way of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "new", some.name(UPLINK))
        traffic.write(some, path, UPLINK)
        return read_pcap(path)


def pairs(inner_frames):
    """Destination and source of each frame."""
    return [(frame[:6], frame[6:12]) for frame in inner_frames]


def udp_of(packet):
    """Addresses, ports and payload of an IPv4 packet whose lengths and checksum are right."""
    header, udp = packet[:20], packet[20:]
    assert header[0] == 0x45 and header[9] == 17
    assert frames.checksum(header) == 0
    assert struct.unpack_from("!H", header, 2)[0] == len(packet)
    source, destination, length, checksum = struct.unpack_from("!HHHH", udp)
    assert (length, checksum) == (len(udp), 0)
    return struct.unpack_from("!II", header, 12), (source, destination), udp[8:]


class Frames(unittest.TestCase):
    def test_the_checksum_is_that_of_the_example(self):
        # RFC 1071, section 3: the sum is ddf2.
        self.assertEqual(frames.checksum(bytes.fromhex("0001f203f4f5f6f7")), 0xFFFF - 0xDDF2)

    def test_an_inner_frame_is_64_bytes_of_udp(self):
        for frame in written(Traffic("bridge", 3, "cycle")):
            self.assertEqual(len(frame), 64)
            self.assertEqual(frame[12:14], b"\x08\x00")
            udp_of(frame[14:])

    def test_a_vxlan_frame_is_an_inner_frame_from_the_remote(self):
        inner = written(Traffic("encap", 50, "cycle"))
        outer = written(Traffic("decap", 50, "cycle"))
        self.assertEqual(len(inner), len(outer))
        entropy = set()
        for plain, frame in zip(inner, outer):
            self.assertEqual(len(frame), 114)
            self.assertEqual(frame[:14], UPLINK + frames.REMOTE_MAC + b"\x08\x00")
            addresses, ports, payload = udp_of(frame[14:])
            self.assertEqual(addresses, (frames.REMOTE, frames.LOCAL))
            self.assertEqual(ports[1], 4789)
            self.assertEqual(payload[:8], bytes.fromhex("0800000000000a00"))
            self.assertEqual(payload[8:], plain)
            entropy.add(ports[0])
        self.assertGreater(len(entropy), 40)
        self.assertTrue(all(49152 <= port <= 65535 for port in entropy))

    def test_a_greeting_tells_mac_and_address_of_the_remote(self):
        frame = frames.arp_request(frames.REMOTE_MAC, frames.REMOTE)
        self.assertEqual(frame[:14], b"\xff" * 6 + frames.REMOTE_MAC + b"\x08\x06")
        self.assertEqual(frame[14:22], bytes.fromhex("0001080006040001"))
        self.assertEqual(frame[22:32], frames.REMOTE_MAC + bytes([192, 0, 2, 1]))
        self.assertEqual(frame[38:42], bytes([192, 0, 2, 2]))
        self.assertEqual(len(frame), 60)


    def test_an_answer_goes_to_the_uplink_soon_after_each_greeting(self):
        found = list(hello.packets(UPLINK))
        answer = frames.arp_reply(frames.REMOTE_MAC, frames.REMOTE, UPLINK)
        self.assertEqual(answer[:14], UPLINK + frames.REMOTE_MAC + b"\x08\x06")
        self.assertEqual(answer[20:32], b"\x00\x02" + frames.REMOTE_MAC + bytes([192, 0, 2, 1]))
        self.assertEqual(answer[32:42], UPLINK + bytes([192, 0, 2, 2]))
        greeting = frames.arp_request(frames.REMOTE_MAC, frames.REMOTE)
        self.assertEqual(found.index(answer), found.index(greeting) + 2)
        self.assertEqual((found.count(answer), found.count(greeting)), (100, 100))
        self.assertEqual(len(frames.filler()), 60)


class Order(unittest.TestCase):
    def test_each_flow_has_a_source_and_a_destination_of_its_own(self):
        found = set(pairs(written(Traffic("bridge", 5000, "cycle"))))
        self.assertEqual(len(found), 5000)
        self.assertEqual(len({source for _, source in found}), 5000)
        self.assertEqual(len({destination for destination, _ in found}), 5000)

    def test_a_cycle_is_one_random_order_over_and_over(self):
        order = Traffic("bridge", 300, "cycle").order()
        self.assertEqual(len(order), 1200)
        self.assertEqual(sorted(order[:300]), list(range(300)))
        self.assertNotEqual(order[:300], list(range(300)))
        self.assertEqual(order, order[:300] * 4)

    def test_random_arrivals_are_many_and_repeat(self):
        order = Traffic("bridge", 10_000, "random").order()
        self.assertEqual(len(order), traffic.RANDOM_PACKETS)
        self.assertNotEqual(order[:10_000], order[10_000:20_000])
        self.assertLess(len(set(order[:10_000])), 7000)
        self.assertEqual(Traffic("bridge", 1_000_000, "random").packets, 1_000_000)

    def test_a_mesh_is_a_thousand_stations_on_each_side(self):
        some = Traffic("bridge", traffic.MESH_FLOWS, "random", mesh=True)
        found = pairs(some.frame(flow, UPLINK) for flow in some.order())
        self.assertEqual(len({source for _, source in found}), 1000)
        self.assertEqual(len({destination for destination, _ in found}), 1000)
        self.assertGreater(len(set(found)), 100_000)

    def test_the_same_traffic_is_the_same_file_and_others_have_another_name(self):
        some = [
            Traffic(work, flows, arrivals, mesh)
            for work in ("decap", "encap", "bridge")
            for flows in (10, 1000)
            for arrivals in ("cycle", "random")
            for mesh in (False, True)
            if not mesh or arrivals == "random"
        ]
        self.assertEqual(len({one.name(UPLINK) for one in some}), len(some))
        self.assertEqual(some[0].order(), some[0].order())
        self.assertNotEqual(some[0].name(UPLINK), some[0].name(frames.REMOTE_MAC))


if __name__ == "__main__":
    unittest.main()
