"""What the contestants are told, and how they are waited for."""

import json
import os
import socket
import tempfile
import threading
import tomllib
import unittest
import unittest.mock

from benchlib import overpath, settle
from benchlib.bench import Bench, Place, eal_words, is_pci
from benchlib.errors import BenchError
from benchlib.sample import Counters
from benchlib.traffic import Traffic
from benchlib.unixctl import Unixctl


def bench(work, flows=3, **place):
    """A point with some devices."""
    return Bench(work, Traffic(work, flows, "cycle"), Place("/t", 0, 1, **place))


class Configuration(unittest.TestCase):
    def test_every_list_has_two_entries_or_more(self):
        for work in ("decap", "encap", "bridge"):
            found = tomllib.loads(overpath.configuration(bench(work)))
            for name in ("port", "bridge", "tunnel", "fdb"):
                self.assertGreaterEqual(len(found[name]), 2, name)
            self.assertEqual(len(found["port"][0]["addresses"]), 2)
            self.assertEqual(len(found["bridge"][0]["ports"]), 2)
            self.assertEqual({tunnel["vni"] for tunnel in found["tunnel"]}, {10, 20})
            for tunnel in found["tunnel"]:
                self.assertEqual(len(tunnel["remotes"]), 2)

    def test_destinations_are_known_and_sources_are_learned(self):
        found = tomllib.loads(overpath.configuration(bench("encap")))
        macs = [f"02:10:00:00:00:0{station}" for station in range(3)]
        self.assertEqual([entry["mac"] for entry in found["fdb"]], macs)
        self.assertEqual({entry["tunnel"] for entry in found["fdb"]}, {"vx10"})
        for bridge in found["bridge"]:
            self.assertNotIn("learning", bridge)

    def test_tables_have_room_for_what_is_sent(self):
        found = tomllib.loads(overpath.configuration(bench("bridge", 100_000)))["switch"]
        self.assertGreaterEqual(found["cache_entries"], 200_000)
        self.assertGreaterEqual(found["fdb_entries"], 200_000)
        self.assertGreater(found["mbufs"], 100_000)


class Devices(unittest.TestCase):
    def test_traffic_comes_from_one_port_and_leaves_by_another(self):
        for work, source, sink in (("decap", 0, 1), ("encap", 1, 0), ("bridge", 1, 2)):
            point = bench(work)
            self.assertEqual((point.source_port, point.sink_port), (source, sink))
            endless = ["infinite_rx=1" in device for device in point.devices()]
            self.assertEqual(endless.index(True), source)
            self.assertEqual(sum(endless), 1)
            self.assertEqual(len(set(point.devices())), 4)

    def test_a_generator_and_nics_take_the_place_of_the_file(self):
        self.assertIn("net_vhost0,iface=/s", bench("decap", socket="/s").devices()[0])
        point = bench("bridge", source="0000:02:00.0", sink="0000:01:00.0")
        self.assertEqual(point.devices()[1:3], ["0000:02:00.0", "0000:01:00.0"])
        # NICs come first, by address.
        self.assertEqual(point.port_numbers(), [2, 1, 0, 3])
        self.assertEqual(len(point.virtual_devices()), 2)

    def test_nics_are_given_to_eal_and_others_keep_it_from_them(self):
        self.assertTrue(is_pci("0000:01:00.0,arg=1") and is_pci("01:00.1"))
        self.assertFalse(is_pci("net_null0"))
        self.assertIn("--no-pci", eal_words(["net_null0"], "-l0", "x"))
        words = eal_words(["net_null0", "01:00.1"], "-l0", "x")
        self.assertEqual(words[-2:], ["-a", "01:00.1"])


class Settling(unittest.TestCase):
    def waited(self, *samples):
        """How many of these (received, misses, learned, drops) were looked at."""
        left = [
            Counters(received, received, {"d": drops}, misses, learned)
            for received, misses, learned, drops in samples
        ]
        count = len(left)
        contestant = unittest.mock.Mock(counters=lambda: left.pop(0))
        settle.settle(contestant, window=0)
        return count - len(left)

    def test_a_switch_that_learns_or_drops_has_not_settled(self):
        rest = [(500, 9, 3, 1), (600, 9, 3, 1)]
        self.assertEqual(self.waited((0, 9, 1, 0), (100, 9, 2, 0), (200, 9, 3, 0), *rest), 5)
        self.assertEqual(self.waited((0, 9, 3, 0), (100, 9, 3, 1), *rest), 3)

    def test_misses_may_go_on_once_they_have_stopped_to_fall(self):
        misses = [0, 60, 80, 99, 117]
        samples = [(100 * i, number, 0, 0) for i, number in enumerate(misses)]
        self.assertEqual(self.waited(*samples), 4)


class Answers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "ctl")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        self.addCleanup(listener.close)
        self.server = threading.Thread(target=self.serve, args=(listener,), daemon=True)
        self.server.start()

    @staticmethod
    def serve(listener):
        """Answers each command with its words, or refuses it."""
        peer, _ = listener.accept()
        decoder, text = json.JSONDecoder(), ""
        while data := peer.recv(65536):
            text += data.decode()
            while text:
                try:
                    asked, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:]
                bad = asked["method"] == "bad"
                answer = {"id": asked["id"], "error": "no" if bad else None}
                answer["result"] = None if bad else " ".join(asked["params"])
                peer.sendall(json.dumps(answer).encode())
        peer.close()

    def test_answers_belong_to_their_commands(self):
        control = Unixctl(self.path)
        self.addCleanup(control.close)
        commands = [("echo", str(number)) for number in range(2500)]
        self.assertEqual(control.all(commands), [word for _, word in commands])
        self.assertEqual(control("echo", "a", "b"), "a b")

    def test_a_refusal_names_the_command(self):
        control = Unixctl(self.path)
        self.addCleanup(control.close)
        with self.assertRaisesRegex(BenchError, "bad.*no"):
            control("bad")


if __name__ == "__main__":
    unittest.main()
