"""scripts/host-setup on made-up hosts: what it finds, what it sets, what it leaves alone."""

import json
import os
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "host-setup"
PAGES = "sys/devices/system/node/node{}/hugepages/hugepages-{}kB/nr_hugepages"
NIC = "0000:01:00.0"


class Host:
    """A sound host with two NUMA nodes, 512 pages on each, an IOMMU, vfio-pci and an Intel NIC that is
    bound to it; CPUs 2 and 3 isolated and at full clock."""

    def __init__(self, folder):
        self.root = Path(folder)
        for node in 0, 1:
            self.file(PAGES.format(node, 2048), 512)
            self.file(PAGES.format(node, 1048576), 0)
        for kb in 2048, 1048576:
            self.file(f"sys/kernel/mm/hugepages/hugepages-{kb}kB/nr_hugepages", 1024 if kb == 2048 else 0)
        self.file("proc/meminfo", "MemTotal:  8 kB\nHugepagesize:       2048 kB")
        self.file("proc/mounts", "proc /proc proc rw 0 0\nnodev /dev/hugepages hugetlbfs rw,pagesize=2M 0 0")
        self.file("proc/cpuinfo", "vendor_id : GenuineIntel")
        self.file("proc/net/route", "Iface\tDestination\neth0\t00000000")
        self.file("proc/net/ipv6_route", "")
        self.file("sys/kernel/iommu_groups/7/type", "DMA")
        for driver in "vfio-pci", "ixgbe", "mlx5_core":
            (self.root / "sys/bus/pci/drivers" / driver).mkdir(parents=True)
        self.nic(NIC, "0x8086", "vfio-pci")
        self.file("sys/devices/system/cpu/isolated", "2-3")
        self.file("sys/devices/system/cpu/nohz_full", "2-3")
        for cpu in range(4):
            self.governor(cpu).parent.mkdir(parents=True)
            self.governor(cpu).write_text("performance\n")

    def file(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
        return path

    def governor(self, cpu):
        return self.root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"

    def nic(self, address, vendor, driver):
        device = self.root / "sys/bus/pci/devices" / address
        self.file(f"sys/bus/pci/devices/{address}/vendor", vendor)
        self.file(f"sys/bus/pci/devices/{address}/class", "0x020000")
        self.file(f"sys/bus/pci/devices/{address}/driver_override", "(null)")
        self.drive(device, driver)
        return device

    def drive(self, device, driver):
        link = device / "driver"
        link.unlink(missing_ok=True)
        if driver:
            link.symlink_to(f"../../drivers/{driver}")

    def kept(self, name):
        path = self.root / "etc" / name
        return path.read_text() if path.exists() else None

    def files(self):
        """Everything there is, with its content."""
        all_files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): path.read_text() for path in all_files}

    def run(self, *words):
        command = [SCRIPT, "--root", self.root, "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode not in (0, 1):
            raise AssertionError(f"{words}: {done.returncode}: {done.stderr}")
        answer = json.loads(done.stdout)
        found = {finding["check"]: finding for finding in answer["findings"]}
        assert (answer["missing"] > 0) == (done.returncode == 1), answer
        return done.returncode, found


class HostSetup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.host = Host(folder.name)

    def check(self, *words):
        """What a mere look finds; nothing is changed by it."""
        before = self.host.files()
        status, found = self.host.run("--check", *words)
        self.assertEqual(self.host.files(), before)
        return status, found

    def states(self, found):
        return {check: finding["state"] for check, finding in found.items() if finding["state"] != "ok"}

    def test_a_sound_host_lacks_nothing(self):
        for words in (), ("--bind", NIC), ("--huge-pages", "512", "--cpus", "2-3"), ("--bind", "01:00.0"):
            status, found = self.check(*words)
            self.assertEqual((status, self.states(found)), (0, {}), words)
        before = self.host.files()
        self.assertEqual(self.host.run()[0], 0)
        new = set(self.host.files()) - set(before)
        self.assertEqual({Path(name).name for name in new}, {"overpath.conf"})

    def test_no_huge_pages(self):
        for node in 0, 1:
            self.host.file(PAGES.format(node, 2048), 0)
        self.host.file("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", 0)
        self.host.file("proc/mounts", "proc /proc proc rw 0 0")
        status, found = self.check()
        self.assertEqual((status, self.states(found)), (1, {"huge-pages": "missing", "hugetlbfs": "missing"}))
        self.assertEqual(found["huge-pages"]["what"], "no huge pages are reserved")
        mend = found["huge-pages"]["mend"]
        for node in 0, 1:
            self.assertIn(f"echo 512 > /{PAGES.format(node, 2048)}", mend)
        status, found = self.host.run("--huge-pages", "700")
        self.assertEqual(found["huge-pages"]["state"], "set")
        for node in 0, 1:
            self.assertEqual((self.host.root / PAGES.format(node, 2048)).read_text(), "700\n")
        self.assertIn("vm.nr_hugepages = 1400\n", self.host.kept("sysctl.d/60-overpath.conf"))
        # A mount is no file, and no command is run for another root.
        self.assertEqual((status, self.states(found)), (1, {"huge-pages": "set", "hugetlbfs": "missing"}))

    def test_too_few_huge_pages_on_one_node(self):
        self.host.file(PAGES.format(1, 2048), 100)
        status, found = self.check("--huge-pages", "500")
        self.assertEqual((status, self.states(found)), (1, {"huge-pages": "missing"}))
        self.assertIn("100 of 500 on node 1", found["huge-pages"]["what"])
        self.assertNotIn("node0", found["huge-pages"]["mend"])

    def test_memory_that_is_too_fragmented_needs_a_reboot(self):
        path = self.host.root / PAGES.format(0, 1048576)
        path.unlink()
        path.symlink_to("/dev/null")
        status, found = self.host.run("--page-size", "1G", "--huge-pages", "4")
        self.assertEqual((status, found["huge-pages"]["state"]), (1, "reboot"))
        self.assertIn("hugepagesz=1G hugepages=8", found["huge-pages"]["mend"])
        self.assertIsNone(self.host.kept("sysctl.d/60-overpath.conf"))

    def test_pages_of_another_size_than_the_usual_one_are_for_the_command_line(self):
        status, found = self.host.run("--page-size", "1G", "--huge-pages", "2")
        self.assertEqual(self.states(found), {"huge-pages": "set", "huge-pages-at-boot": "reboot"})
        self.assertEqual(status, 1)
        self.assertIsNone(self.host.kept("sysctl.d/60-overpath.conf"))

    def test_no_iommu_and_no_vfio(self):
        (self.host.root / "sys/kernel/iommu_groups/7/type").unlink()
        (self.host.root / "sys/kernel/iommu_groups/7").rmdir()
        (self.host.root / "sys/bus/pci/drivers/vfio-pci").rmdir()
        status, found = self.check()
        self.assertEqual((status, self.states(found)), (1, {"iommu": "reboot", "vfio": "missing"}))
        self.assertIn("intel_iommu=on iommu=pt", found["iommu"]["mend"])
        self.assertEqual(found["vfio"]["mend"], "modprobe vfio-pci")
        self.host.file("proc/cpuinfo", "vendor_id : AuthenticAMD")
        mend = self.check()[1]["iommu"]["mend"]
        self.assertIn("command line: iommu=pt", mend)
        self.host.file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y")
        self.assertEqual(self.check()[1]["iommu"]["state"], "advice")

    def test_a_host_of_nvidias_nics_needs_no_vfio(self):
        self.host.nic(NIC, "0x15b3", "mlx5_core")
        self.host.nic("0000:02:00.0", "0x8086", "ixgbe")
        (self.host.root / "sys/kernel/iommu_groups/7/type").unlink()
        (self.host.root / "sys/kernel/iommu_groups/7").rmdir()
        self.assertEqual(self.check()[0], 0)
        # Unless another one is named.
        status, found = self.check("--bind", "0000:02:00.0")
        self.assertEqual((status, self.states(found)), (1, {"iommu": "reboot", "nic": "missing"}))

    def test_nvidias_nics_are_not_unbound(self):
        device = self.host.nic(NIC, "0x15b3", "mlx5_core")
        self.host.file(f"sys/bus/pci/devices/{NIC}/driver/unbind", "untouched")
        before = self.host.files()
        status, found = self.host.run("--bind", NIC)
        self.assertEqual((status, found["nic"]["state"]), (0, "ok"))
        self.assertIn("stays with its kernel driver mlx5_core", found["nic"]["what"])
        after = self.host.files()
        self.assertEqual({name: text for name, text in after.items() if name in before}, before)
        self.assertIsNone(self.host.kept("udev/rules.d/05-overpath.rules"))
        self.host.drive(device, "vfio-pci")
        status, found = self.host.run("--bind", NIC)
        self.assertEqual((status, found["nic"]["state"]), (1, "missing"))
        self.assertIn(f"--bind=mlx5_core {NIC}", found["nic"]["mend"])

    def test_a_nic_that_carries_routes_is_not_taken_away(self):
        self.host.nic(NIC, "0x8086", "ixgbe")
        self.host.file(f"sys/bus/pci/devices/{NIC}/net/eth0/operstate", "up")
        status, found = self.host.run("--bind", NIC)
        self.assertEqual((status, found["nic"]["state"]), (1, "missing"))
        self.assertIn("(eth0) carries routes", found["nic"]["what"])
        override = self.host.root / f"sys/bus/pci/devices/{NIC}/driver_override"
        self.assertEqual(override.read_text(), "(null)\n")

    def test_a_nic_that_is_not_there(self):
        status, found = self.check("--bind", "0000:99:00.0")
        self.assertEqual((status, found["nic"]["what"]), (1, "0000:99:00.0: there is no such device"))

    def test_a_nic_is_bound_now_and_at_boot(self):
        device = self.host.nic(NIC, "0x8086", "ixgbe")
        unbind, probe = device / "driver" / "unbind", self.host.root / "sys/bus/pci/drivers_probe"
        os.mkfifo(unbind)
        os.mkfifo(probe)
        said = []

        def kernel():
            said.append(unbind.read_text())
            self.host.drive(device, "vfio-pci")
            said.append(probe.read_text())

        thread = threading.Thread(target=kernel, daemon=True)
        thread.start()
        status, found = self.host.run("--bind", NIC)
        thread.join(10)
        self.assertEqual((status, found["nic"]["state"]), (0, "set"), found)
        self.assertEqual(said, [f"{NIC}\n", f"{NIC}\n"])
        override = (device / "driver_override").read_text()
        self.assertEqual(override, "vfio-pci\n")
        rules = self.host.kept("udev/rules.d/05-overpath.rules")
        self.assertIn(f'KERNEL=="{NIC}", ATTR{{driver_override}}="vfio-pci"', rules)
        self.assertIn("vfio-pci\n", self.host.kept("modules-load.d/overpath.conf"))

    def test_cpus(self):
        self.host.governor(3).write_text("powersave\n")
        status, found = self.check()
        self.assertEqual((status, self.states(found)), (0, {"governor": "advice"}))
        status, found = self.check("--cpus", "1-3")
        expected = {"cpus": "reboot", "nohz": "advice", "governor": "missing"}
        self.assertEqual((status, self.states(found)), (1, expected))
        self.assertEqual(found["cpus"]["what"], "CPUs 1 are not isolated")
        self.assertIn("isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3", found["cpus"]["mend"])
        status, found = self.host.run("--cpus", "2,3")
        self.assertEqual((status, self.states(found)), (0, {}))
        self.assertEqual(self.host.governor(3).read_text(), "performance\n")
        self.host.file("sys/devices/system/cpu/isolated", "")
        self.assertEqual(self.states(self.check()[1]), {"cpus": "advice"})

    def test_words_that_are_not_understood(self):
        for words in (
            ["--huge-pages", "0"],
            ["--huge-pages", "x"],
            ["--huge-pages"],
            ["--page-size", "4M"],
            ["--bind", "eth0"],
            ["--bind", "0000:01:00.0/../x"],
            ["--cpus", "1-"],
            ["--root", "/nowhere"],
            ["--colour"],
        ):
            done = subprocess.run([SCRIPT, "--check", *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("--help", done.stderr)
            self.assertEqual(done.stdout, "")
        done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--bind PCI", done.stdout)

    def test_the_text_says_what_to_do(self):
        self.host.file(PAGES.format(0, 2048), 0)
        command = [SCRIPT, "--root", self.host.root, "--check"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("missing  too few huge pages of 2048 kB are reserved: 0 of 512 on node 0:\n", done.stdout)
        self.assertIn(f"    echo 512 > /{PAGES.format(0, 2048)}\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
