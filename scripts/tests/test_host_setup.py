"""scripts/host-setup on made-up hosts: what it finds, what it sets, what it leaves alone."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "host-setup"
READLINK = shutil.which("readlink")
PAGES = "sys/devices/system/node/node{}/hugepages/hugepages-{}kB/nr_hugepages"
NIC = "0000:01:00.0"
OTHER = "0000:02:00.0"
RULES = "udev/rules.d/05-overpath.rules"
SYSCTL = "sysctl.d/60-overpath.conf"
HEADER = "# Written by overpath-host-setup.\n"


def rules_of(nic):
    """What binds a NIC at boot, whether its own driver comes later or was there before."""
    of = f'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="{nic}"'
    again = "echo %k > /sys/bus/pci/devices/%k/driver/unbind; echo %k > /sys/bus/pci/drivers_probe"
    return (
        f'{of}, ATTR{{driver_override}}="vfio-pci"\n'
        f'{of}, DRIVER=="?*", DRIVER!="vfio-pci", RUN+="/bin/sh -c \'{again}\'"\n'
    )


class Host:
    """A sound host with two NUMA nodes, 512 pages on each, an IOMMU, vfio-pci and an Intel NIC that is
    bound to it; CPUs 2 and 3 isolated and at full clock."""

    def __init__(self, folder):
        self.root, self.path = Path(folder), None
        for node in 0, 1:
            self.file(PAGES.format(node, 2048), 512)
            self.file(PAGES.format(node, 1048576), 0)
        for kb in 2048, 1048576:
            self.file(f"sys/kernel/mm/hugepages/hugepages-{kb}kB/nr_hugepages", 1024 if kb == 2048 else 0)
        self.file("proc/meminfo", "MemTotal:  8 kB\nHugepagesize:       2048 kB")
        self.file("proc/mounts", "proc /proc proc rw 0 0\nnodev /dev/hugepages hugetlbfs rw,pagesize=2M 0 0")
        self.file("proc/cpuinfo", "vendor_id : GenuineIntel\nflags : fpu vme")
        self.file("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet hugepages=1024")
        self.file("proc/net/route", "Iface\tDestination\neth0\t00000000")
        self.file("proc/net/ipv6_route", "")
        self.file("sys/kernel/iommu_groups/7/type", "DMA")
        for driver in "vfio-pci", "ixgbe", "mlx5_core", "mlx4_core":
            (self.root / "sys/bus/pci/drivers" / driver).mkdir(parents=True)
        self.nic(NIC, "0x8086", "vfio-pci")
        self.file(f"etc/{RULES}", rules_of(NIC))
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

    def no_iommu(self):
        (self.root / "sys/kernel/iommu_groups/7/type").unlink()
        (self.root / "sys/kernel/iommu_groups/7").rmdir()

    def nic(self, address, vendor, driver, device_id="0x1528"):
        device = self.root / "sys/bus/pci/devices" / address
        self.file(f"sys/bus/pci/devices/{address}/vendor", vendor)
        self.file(f"sys/bus/pci/devices/{address}/device", device_id)
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

    def kept_path(self, name):
        return self.root / "etc" / name

    def override(self, nic):
        return (self.root / f"sys/bus/pci/devices/{nic}/driver_override").read_text()

    def bind(self, nic, probe="vfio-pci", bind="ixgbe", override="(null)"):
        """`--bind` of a NIC that is with ixgbe, before a kernel that gives it to `probe` when it is to look
        for a driver, and to `bind` when ixgbe is to have it back. What it was told is in `said`."""
        device = self.nic(nic, "0x8086", "ixgbe")
        (device / "driver_override").write_text(f"{override}\n")
        then = {"drivers/ixgbe/unbind": None, "drivers_probe": probe, "drivers/ixgbe/bind": bind}
        with Kernel(self, device, then) as kernel:
            answer = self.run("--bind", nic)
        self.said = kernel.said
        return answer

    def files(self):
        """Everything there is, with its content."""
        all_files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): path.read_text() for path in all_files}

    def run(self, *words):
        command = [SCRIPT, "--root", self.root, "--json", *words]
        env = {**os.environ, "PATH": self.path or os.environ["PATH"]}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
        if done.returncode not in (0, 1):
            raise AssertionError(f"{words}: {done.returncode}: {done.stderr}")
        answer = json.loads(done.stdout)
        found = {finding["check"]: finding for finding in answer["findings"]}
        assert (answer["missing"] > 0) == (done.returncode == 1), answer
        return done.returncode, found


class Kernel(threading.Thread):
    """Files of a bus that are pipes; what is told there gives a NIC a driver. Whoever reads a link waits until
    all that was told before is done, as it is in a kernel when the file is written."""

    def __init__(self, host, device, then):
        super().__init__(daemon=True)
        self.host, self.device, self.then, self.said = host, device, then, []
        folder = host.root / "kernel"
        self.files = {host.root / "sys/bus/pci" / name: name for name in then}
        self.ask, self.answer, self.shims = folder / "ask", folder / "answer", folder / "bin"
        self.shims.mkdir(parents=True, exist_ok=True)
        for path in (*self.files, self.ask, self.answer):
            path.unlink(missing_ok=True)
            os.mkfifo(path)
        shim = self.shims / "readlink"
        shim.write_text(f'#!/bin/sh\necho >{self.ask}\nread -r answer <{self.answer}\nexec {READLINK} "$@"\n')
        shim.chmod(0o755)

    def __enter__(self):
        both = os.O_RDWR | os.O_NONBLOCK
        self.pipes = {os.open(path, both): name for path, name in self.files.items()}
        self.asked, self.answered = os.open(self.ask, both), os.open(self.answer, both)
        self.host.path = f"{self.shims}:{os.environ['PATH']}"
        self.start()
        return self

    def __exit__(self, *_):
        os.write(self.asked, b"end")
        self.join(10)
        for pipe in (*self.pipes, self.asked, self.answered):
            os.close(pipe)
        for path in self.files:
            path.unlink()
        self.host.path = None

    def run(self):
        while True:
            select.select([self.asked], [], [])
            asked = os.read(self.asked, 64)
            for pipe, name in self.pipes.items():
                if select.select([pipe], [], [], 0)[0]:
                    self.said.append((Path(name).name, os.read(pipe, 64).decode().strip()))
                    self.host.drive(self.device, self.then[name])
            if b"end" in asked:
                return
            os.write(self.answered, b"\n")


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
        self.assertEqual(self.host.run("--bind", NIC)[0], 0)
        after = self.host.files()
        self.assertEqual({Path(name).name for name in set(after) - set(before)}, {"overpath.conf"})
        self.assertEqual({name: text for name, text in after.items() if name in before}, before)

    def test_pages_that_were_set_by_hand_are_kept_for_the_next_boot(self):
        self.host.file("proc/cmdline", "quiet")
        for words in (), ("--huge-pages", "512"):
            status, found = self.check(*words)
            self.assertEqual((status, self.states(found)), (1, {"huge-pages-at-boot": "missing"}))
            at_boot = found["huge-pages-at-boot"]
            self.assertEqual(at_boot["what"], "at boot 0 of 1024 huge pages of 2048 kB are reserved")
            self.assertEqual(at_boot["mend"], f"echo 'vm.nr_hugepages = 1024' > /etc/{SYSCTL}")
        status, found = self.host.run()
        self.assertEqual((status, self.states(found)), (0, {"huge-pages-at-boot": "set"}))
        self.assertIn("vm.nr_hugepages = 1024\n", self.host.kept(SYSCTL))
        self.assertEqual((self.host.run()[0], self.states(self.check()[1])), (0, {}))
        # More of them by hand, later.
        self.host.file(PAGES.format(0, 2048), 600)
        self.assertEqual(self.states(self.check()[1]), {"huge-pages-at-boot": "missing"})
        self.host.run()
        self.assertIn("vm.nr_hugepages = 1112\n", self.host.kept(SYSCTL))

    def test_what_else_reserves_pages_at_boot(self):
        enough = {
            "hugepages=1024": True,
            "hugepages=1023": False,
            "hugepages=0:512,1:512": True,
            "hugepagesz=2M hugepages=1024": True,
            "hugepagesz=2048K hugepages=1024": True,
            "hugepagesz=1G hugepages=1024": False,
            "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=1024": True,
            "default_hugepagesz=2M hugepages=1024": True,
        }
        for line, there in enough.items():
            self.host.file("proc/cmdline", line)
            self.assertEqual(self.check()[0], 0 if there else 1, line)
        self.host.file("etc/sysctl.d/10-hand.conf", "# pages\nvm/nr_hugepages=1024")
        self.assertEqual(self.check()[0], 0)
        # That in /etc hides the one of the same name, and the last name counts.
        self.host.file("usr/lib/sysctl.d/10-hand.conf", "vm.nr_hugepages=1")
        self.assertEqual(self.check()[0], 0)
        self.host.file("usr/lib/sysctl.d/05-first.conf", "vm.nr_hugepages=1")
        self.assertEqual(self.check()[0], 0)
        self.host.file("usr/lib/sysctl.d/70-last.conf", "vm.nr_hugepages = 2")
        status, found = self.host.run()
        self.assertEqual((status, self.states(found)), (1, {"huge-pages-at-boot": "missing"}))
        self.assertIn("at boot 2 of 1024", found["huge-pages-at-boot"]["what"])
        self.assertIn("70-last.conf", found["huge-pages-at-boot"]["what"])

    def test_pages_of_1_gb_that_the_command_line_reserves(self):
        self.host.file(PAGES.format(0, 1048576), 4)
        words = "--page-size", "1G", "--huge-pages", "4"
        self.host.file(PAGES.format(1, 1048576), 4)
        status, found = self.check(*words)
        self.assertEqual((status, self.states(found)), (1, {"huge-pages-at-boot": "reboot"}))
        self.assertIn("hugepagesz=1G hugepages=8", found["huge-pages-at-boot"]["mend"])
        self.host.file("proc/cmdline", "hugepages=1024 hugepagesz=1G hugepages=8")
        self.assertEqual(self.check(*words)[0], 0)

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
        self.assertIn("vm.nr_hugepages = 1400\n", self.host.kept(SYSCTL))
        # A mount is no file, and no command is run for another root.
        states = {"huge-pages": "set", "huge-pages-at-boot": "set", "hugetlbfs": "missing"}
        self.assertEqual((status, self.states(found)), (1, states))

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
        self.assertIsNone(self.host.kept(SYSCTL))

    def test_pages_of_another_size_than_the_usual_one_are_for_the_command_line(self):
        status, found = self.host.run("--page-size", "1G", "--huge-pages", "2")
        self.assertEqual(self.states(found), {"huge-pages": "set", "huge-pages-at-boot": "reboot"})
        self.assertEqual(status, 1)
        self.assertIsNone(self.host.kept(SYSCTL))

    def test_no_iommu_and_no_vfio(self):
        self.host.no_iommu()
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

    def test_a_virtual_machine_without_iommu_is_told_of_the_way_without(self):
        self.host.no_iommu()
        self.host.file("proc/cpuinfo", "vendor_id : GenuineIntel\nflags : fpu hypervisor lahf_lm")
        status, found = self.check()
        self.assertEqual((status, self.states(found)), (1, {"iommu": "missing"}))
        parameter = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
        self.assertIn(f"echo Y > {parameter}", found["iommu"]["mend"])
        self.assertIn("options vfio enable_unsafe_noiommu_mode=1", found["iommu"]["mend"])
        self.host.file(parameter[1:], "Y")
        status, found = self.check("--bind", NIC)
        self.assertEqual((status, self.states(found)), (0, {"iommu": "advice"}))
        self.assertEqual(self.host.bind(OTHER)[1]["nic"]["state"], "set")

    def test_without_iommu_no_nic_is_unbound(self):
        self.host.no_iommu()
        device = self.host.nic(NIC, "0x8086", "ixgbe")
        self.host.file(f"sys/bus/pci/devices/{NIC}/driver/unbind", "untouched")
        status, found = self.host.run("--bind", NIC)
        self.assertEqual((status, self.states(found)), (1, {"iommu": "reboot", "nic": "missing"}))
        self.assertIn("is left with ixgbe", found["nic"]["what"])
        self.assertEqual((device / "driver/unbind").read_text(), "untouched\n")
        self.assertEqual((device / "driver_override").read_text(), "(null)\n")

    def test_a_host_of_nvidias_nics_needs_no_vfio(self):
        self.host.nic(NIC, "0x15b3", "mlx5_core")
        self.host.nic(OTHER, "0x8086", "ixgbe")
        self.host.no_iommu()
        self.assertEqual(self.check()[0], 0)
        # Unless another one is named.
        status, found = self.check("--bind", OTHER)
        self.assertEqual((status, self.states(found)), (1, {"iommu": "reboot", "nic": "missing"}))

    def test_nvidias_nics_are_not_unbound(self):
        device = self.host.nic(OTHER, "0x15b3", "mlx5_core", "0x1017")
        self.host.file(f"sys/bus/pci/devices/{OTHER}/driver/unbind", "untouched")
        before = self.host.files()
        status, found = self.host.run("--bind", OTHER)
        self.assertEqual((status, found["nic"]["state"]), (0, "ok"))
        self.assertIn("stays with its kernel driver mlx5_core", found["nic"]["what"])
        after = self.host.files()
        self.assertEqual({name: text for name, text in after.items() if name in before}, before)
        self.assertNotIn(OTHER, self.host.kept(RULES))
        self.host.drive(device, "vfio-pci")
        status, found = self.host.run("--bind", OTHER)
        self.assertEqual((status, found["nic"]["state"]), (1, "missing"))
        self.assertIn(f"--bind=mlx5_core {OTHER}", found["nic"]["mend"])
        self.assertNotIn(OTHER, self.host.kept(RULES))

    def test_connectx_3_has_another_driver(self):
        for device_id in "0x1003", "0x1004", "0x1007":
            self.host.nic(NIC, "0x15b3", "mlx4_core", device_id)
            status, found = self.check("--bind", NIC)
            self.assertEqual((status, found["nic"]["state"]), (0, "ok"), device_id)
            self.assertIn("stays with its kernel driver mlx4_core", found["nic"]["what"])
        self.host.nic(NIC, "0x15b3", "mlx4_core", "0x1013")
        self.assertIn("needs its kernel driver mlx5_core", self.check("--bind", NIC)[1]["nic"]["what"])
        self.host.nic(NIC, "0x15b3", None, "0x1003")
        self.assertIn("modprobe mlx4_core", self.check("--bind", NIC)[1]["nic"]["mend"])

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
        self.host.kept_path(RULES).unlink()
        status, found = self.host.bind(NIC)
        self.assertEqual((status, found["nic"]["state"]), (0, "set"), found)
        self.assertEqual(self.host.said, [("unbind", NIC), ("drivers_probe", NIC)])
        self.assertEqual(self.host.override(NIC), "vfio-pci\n")
        self.assertEqual(self.host.kept(RULES), HEADER + rules_of(NIC))
        self.assertIn("vfio-pci\n", self.host.kept("modules-load.d/overpath.conf"))

    def test_a_nic_that_is_bound_later_does_not_take_the_place_of_the_first(self):
        self.host.kept_path(RULES).unlink()
        self.host.bind(NIC)
        self.host.bind(OTHER)
        both = HEADER + rules_of(NIC) + rules_of(OTHER)
        self.assertEqual(self.host.kept(RULES), both)
        for nics in [NIC], [OTHER], [OTHER, NIC]:
            self.assertEqual(self.host.run(*(word for nic in nics for word in ("--bind", nic)))[0], 0)
            self.assertEqual(self.host.kept(RULES), both)

    def test_a_nic_that_was_bound_by_hand_is_bound_at_boot(self):
        self.host.kept_path(RULES).unlink()
        status, found = self.check("--bind", NIC)
        self.assertEqual((status, self.states(found)), (1, {"nic-at-boot": "missing"}))
        self.assertEqual(found["nic-at-boot"]["mend"], f"overpath-host-setup --bind {NIC}")
        self.assertEqual(self.host.run("--bind", NIC)[0], 0)
        self.assertEqual(self.host.kept(RULES), HEADER + rules_of(NIC))

    def test_a_nic_that_vfio_does_not_take_is_given_back(self):
        for override in "(null)", "ixgbe":
            status, found = self.host.bind(OTHER, probe=None, override=override)
            self.assertEqual((status, self.states(found)), (1, {"nic": "missing"}))
            self.assertIn("cannot be bound to vfio-pci, it is with ixgbe as before", found["nic"]["what"])
            self.assertEqual(self.host.said, [("unbind", OTHER), ("drivers_probe", OTHER), ("bind", OTHER)])
            self.assertEqual(self.host.override(OTHER).strip(), override.replace("(null)", ""))
            self.assertNotIn(OTHER, self.host.kept(RULES))

    def test_a_nic_that_its_driver_does_not_take_back_is_named(self):
        status, found = self.host.bind(OTHER, probe=None, bind=None)
        self.assertEqual((status, self.states(found)), (1, {"nic": "missing"}))
        self.assertIn("nor given back to ixgbe", found["nic"]["what"])
        self.assertEqual(found["nic"]["mend"], f"echo {OTHER} > /sys/bus/pci/drivers/ixgbe/bind")

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
