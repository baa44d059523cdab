"""Waiting until a switch knows all stations and its cache all flows."""

import time

# The longest that it may take.
SECONDS = 120.0


def settle(contestant, window=0.5):
    """Waits until nothing is learned or dropped in a window of seconds, and misses do not fall.

    Some may stay: a cache that is nearly full, or whose flows share a bucket, goes on missing.
    """
    end, before, before_rate = time.monotonic() + SECONDS, contestant.counters(), 1.0
    while time.monotonic() < end:
        time.sleep(window)
        now = contestant.counters()
        rate = (now.misses - before.misses) / max(1, now.received - before.received)
        quiet = now.drops == before.drops and now.learned == before.learned
        if quiet and (rate == 0 or rate > before_rate * 0.7):
            return
        before, before_rate = now, rate
