"""Progress on stderr: one line that changes on a terminal, plain lines elsewhere."""

import sys
import time


class Progress:
    """Counts steps, and tells what is done now and how long the rest may take."""

    def __init__(self, steps, stream=sys.stderr):
        self.steps, self.done, self.stream = steps, 0, stream
        self.began, self.terminal = time.monotonic(), stream.isatty()

    def step(self, text):
        """Begins a step."""
        left = ""
        if self.done:
            seconds = (time.monotonic() - self.began) / self.done * (self.steps - self.done)
            left = f", about {seconds:.0f} s left"
        self._show(f"[{self.done + 1}/{self.steps}{left}] {text}")
        self.done += 1

    def skip(self, steps):
        """Leaves steps out."""
        self.steps -= steps

    def note(self, text):
        """Says something that stays."""
        self._clear()
        print(text, file=self.stream, flush=True)

    def finish(self):
        """Takes the changing line away."""
        self._clear()

    def _show(self, text):
        if self.terminal:
            self.stream.write(f"\r\x1b[K{text}")
            self.stream.flush()
        else:
            print(text, file=self.stream, flush=True)

    def _clear(self):
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
