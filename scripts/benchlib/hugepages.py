"""Huge pages of 2 MB: as many as a run needs, and as before when it ends."""

import contextlib

from benchlib.errors import BenchError

DIRECTORY = "/sys/kernel/mm/hugepages/hugepages-2048kB"
PAGE_BYTES = 2 << 20
MOST_TRIES = 20


def _read(name):
    with open(f"{DIRECTORY}/{name}") as file:
        return int(file.read())


def _write(pages):
    with open(f"{DIRECTORY}/nr_hugepages", "w") as file:
        file.write(f"{pages}\n")


def _grow(pages):
    """Asks for pages again and again: memory that is full of files gives way piece by piece."""
    for _ in range(MOST_TRIES):
        _write(pages)
        if _read("nr_hugepages") >= pages:
            return
        with contextlib.suppress(OSError), open("/proc/sys/vm/compact_memory", "w") as file:
            file.write("1\n")


class HugePages:
    """Reserves huge pages within a `with` block."""

    def __init__(self, size):
        self.wanted = -(-size // PAGE_BYTES)
        self.before = None

    def __enter__(self):
        try:
            total, free = _read("nr_hugepages"), _read("free_hugepages")
        except OSError as error:
            raise BenchError(f"this kernel has no huge pages of 2 MB: {error}") from error
        if free >= self.wanted:
            return self
        needed = total + self.wanted - free
        try:
            # From here on there is something to restore.
            self.before = total
            _grow(needed)
        except OSError as error:
            self.before = None
            raise BenchError(
                f"cannot reserve {needed} huge pages of 2 MB ({error.strerror}): run as root, or\n"
                f"  echo {needed} > {DIRECTORY}/nr_hugepages"
            ) from error
        if _read("free_hugepages") < self.wanted:
            got = _read("nr_hugepages")
            self._restore()
            raise BenchError(
                f"got {got} of {needed} huge pages of 2 MB: memory is short or in pieces; fewer"
                " --flows need less, and a machine that was just started has most"
            )
        return self

    def __exit__(self, *_):
        self._restore()

    def _restore(self):
        if self.before is not None:
            _write(self.before)
            self.before = None
