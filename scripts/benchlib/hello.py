"""The file with which the remotes introduce themselves on an uplink that is only a sink.

A switch asks for its remotes as soon as the port is there, and takes an answer only to a question.
The file is played once and fast: it says both, again and again, with filler in between, so that an
answer comes soon after the question. What the switch then knows is good for half a minute; longer
than that the remotes are silent, and encap stops. That is why a measurement is short.
"""

import os

from benchlib import frames, traffic

TIMES = 100
FILLER = 10_000
REMOTES = [
    (frames.REMOTE_MAC, frames.REMOTE),
    (frames.SECOND_REMOTE_MAC, frames.SECOND_REMOTE),
]


def packets(uplink_mac):
    """The frames of the file."""
    words = [frames.arp_request(*remote) for remote in REMOTES]
    words += [frames.arp_reply(*remote, uplink_mac) for remote in REMOTES]
    filler = frames.filler()
    for _ in range(TIMES):
        yield from words
        for _ in range(FILLER):
            yield filler


def write(path, uplink_mac):
    """Writes the file, if it is not there yet."""
    if not os.path.exists(path):
        traffic.write_pcap(path, packets(uplink_mac))
