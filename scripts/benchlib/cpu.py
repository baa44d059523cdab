"""Time: the rate of the TSC, and how long a thread really ran."""

import ctypes
import mmap
import os
import platform
import re
import time

from benchlib.errors import BenchError

# rdtsc; shl rdx, 32; or rax, rdx; ret
RDTSC = bytes.fromhex("0f3148c1e2204809d0c3")


def tsc_reader():
    """A function that reads the TSC."""
    if platform.machine() not in ("x86_64", "amd64"):
        raise BenchError(f"cycles are TSC cycles: {platform.machine()} has no TSC")
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(RDTSC)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)
    read.code = code
    return read


def tsc_hz(seconds=0.2):
    """The measured rate of the TSC, in Hz: against the raw monotonic clock."""
    read = tsc_reader()

    def now():
        # The shortest of some: nothing came between the clock and the counter.
        tries = []
        for _ in range(20):
            began = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            cycles = read()
            ended = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            tries.append((ended - began, cycles, (began + ended) / 2))
        return min(tries)[1:]

    first, began = now()
    time.sleep(seconds)
    last, ended = now()
    return (last - first) * 1e9 / (ended - began)


def worker_thread(pid, cpu):
    """The thread of a process that is bound to a CPU alone and has used it most."""
    best, most = None, -1
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            if not re.search(rf"^Cpus_allowed_list:\s+{cpu}$", file.read(), re.M):
                continue
        used = ran_ns(pid, thread)
        if used > most:
            best, most = thread, used
    if best is None:
        raise BenchError(f"process {pid} has no thread on CPU {cpu}")
    return best


def dpdk_worker(pid):
    """The thread of a DPDK process's worker, by the name that EAL gives it."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            # lcore-worker-1 up to 23.03, then dpdk-worker1.
            if "-worker" in file.read():
                return thread
    raise BenchError(f"process {pid} has no DPDK worker")


def ran_ns(pid, thread):
    """How long a thread has run since its start, in ns, by the scheduler's account."""
    with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
        return int(file.read().split()[0])


def stolen_ticks(cpu):
    """What the host took from a CPU of this virtual machine, in ticks."""
    with open("/proc/stat") as file:
        for line in file:
            fields = line.split()
            if fields and fields[0] == f"cpu{cpu}":
                return int(fields[8])
    return 0
