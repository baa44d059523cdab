"""Medians, spread and ratios, as records and as a table."""

import statistics
from dataclasses import asdict, dataclass


@dataclass
class Record:
    """The result of one contestant at one point; what is not known is None.

    `cycles` are TSC cycles for each packet; `least` and `most` are their spread; `share` is the
    least share of its CPU that the worker had; `misses` are packets that no cache decided, of a
    million; `ratio_to_X` is
    the packet rate as a multiple of X's.
    """

    who: str
    case: str
    work: str
    flows: int
    arrivals: str
    mpps: float
    cycles: float
    least: float
    most: float
    runs: int
    share: float
    misses: float
    above_control: float | None = None
    ratio_to_control: float | None = None
    ratio_to_ovs: float | None = None


def record(who, point, readings, tsc_hz):
    """The medians of some readings."""
    cycles = [reading.cycles(tsc_hz) for reading in readings]
    return Record(
        who=who,
        case=point.case,
        work=point.work,
        flows=point.flows,
        arrivals=point.arrivals,
        mpps=statistics.median(reading.mpps for reading in readings),
        cycles=statistics.median(cycles),
        least=min(cycles),
        most=max(cycles),
        runs=len(readings),
        share=min(reading.share for reading in readings),
        misses=statistics.median(reading.misses for reading in readings),
    )


def compare(records):
    """Fills in what one contestant's result is to another's at the same point."""
    by_who = {record.who: record for record in records}
    control, ovs = by_who.get("control"), by_who.get("ovs")
    for record in records:
        if control:
            record.above_control = record.cycles - control.cycles
            record.ratio_to_control = record.mpps / control.mpps
        if ovs:
            record.ratio_to_ovs = record.mpps / ovs.mpps
    return records


HEAD = (
    f"{'case':<13} {'flows':>8} {'arrivals':<8} {'who':<16} {'Mpps':>7} {'cycles':>7} "
    f"{'least-most':>13} {'above':>7} {'/control':>8} {'/ovs':>6} {'runs':>4} {'share':>5}"
)


def _number(value, form):
    return "-" if value is None else format(value, form)


def line(record):
    """A line of the table."""
    case = record.case if record.case == record.work else f"{record.case}/{record.work}"
    spread = f"{record.least:.1f}-{record.most:.1f}"
    return (
        f"{case:<13} {record.flows:>8} {record.arrivals:<8} {record.who:<16} {record.mpps:>7.2f} "
        f"{record.cycles:>7.1f} {spread:>13} {_number(record.above_control, '.1f'):>7} "
        f"{_number(record.ratio_to_control, '.3f'):>8} {_number(record.ratio_to_ovs, '.2f'):>6} "
        f"{record.runs:>4} {record.share:>5.2f}"
    )


def rounded(record):
    """A record as it goes into a JSON file."""
    fields = asdict(record)
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in fields.items()}
