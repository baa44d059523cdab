"""Draws cycles against flows for all contestants, as SVG and PNG, from a file of results.

Runs in a process of its own, under whichever Python has matplotlib:

    cd scripts && python3 -m benchlib.plot RESULTS.json FOLDER
"""

import json
import os
import subprocess
import sys

from benchlib.errors import BenchError

# Debian's package is for Debian's Python, which need not be the first one on the path.
PYTHONS = [sys.executable, "/usr/bin/python3"]
# Colours that differ in print and for colour-blind readers (Okabe and Ito).
STYLES = {"control": ("#777777", "s"), "overpath": ("#0072b2", "o"), "ovs": ("#d55e00", "^")}
LABELS = {"control": "control (testpmd io)", "overpath": "overpath", "ovs": "Open vSwitch"}
TITLES = {"decap": "VXLAN decap", "encap": "VXLAN encap", "bridge": "port to port"}


def find_python():
    """A Python that has matplotlib."""
    for python in PYTHONS:
        command = [python, "-c", "import matplotlib"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return python
    raise BenchError("--plot needs matplotlib: scripts/install-deps bench")


def draw_elsewhere(python, results, folder):
    """Draws in a process of its own."""
    scripts = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [python, "-m", "benchlib.plot", os.path.abspath(results), os.path.abspath(folder)]
    if subprocess.run(command, cwd=scripts, check=False).returncode:
        raise BenchError("--plot: drawing failed")


def curves(records):
    """Records with a number of flows, as {arrivals: {work: {who: [record, ...]}}}."""
    found = {}
    for record in sorted(records, key=lambda record: record["flows"]):
        if record["case"] == "mesh" or record["who"] not in STYLES:
            continue
        works = found.setdefault(record["arrivals"], {})
        works.setdefault(record["work"], {}).setdefault(record["who"], []).append(record)
    return found


def meshes(records):
    """Records of meshes, as {who: {work: record}}."""
    found = {}
    for record in records:
        if record["case"] == "mesh" and record["who"] in STYLES:
            found.setdefault(record["who"], {})[record["work"]] = record
    return found


def _spread(records):
    below = [record["cycles"] - record["least"] for record in records]
    above = [record["most"] - record["cycles"] for record in records]
    return [below, above]


def _save(figure, folder, name):
    for ending in ("svg", "png"):
        figure.savefig(os.path.join(folder, f"{name}.{ending}"), dpi=150)


def draw_curves(pyplot, arrivals, works, folder):
    """One panel for each work."""
    figure, axes = pyplot.subplots(
        1, len(works), figsize=(1 + 3.6 * len(works), 3.8), sharey=True, squeeze=False
    )
    for axis, work in zip(axes[0], [work for work in TITLES if work in works]):
        for who, records in works[work].items():
            colour, marker = STYLES[who]
            axis.errorbar(
                [record["flows"] for record in records],
                [record["cycles"] for record in records],
                _spread(records), color=colour, marker=marker, label=LABELS[who],
                markersize=4, linewidth=1.5, capsize=2,
            )  # fmt: skip
        axis.set(xscale="log", yscale="log", title=TITLES[work], xlabel="pairs of MACs")
        axis.yaxis.set_major_formatter("{x:.0f}")
        axis.grid(True, which="both", color="#e4e4e4", linewidth=0.5)
        axis.set_axisbelow(True)
    axes[0][0].set_ylabel("TSC cycles per packet")
    axes[0][0].legend(frameon=False, fontsize=8)
    how = {"cycle": "in one order over and over", "random": "drawn at random"}[arrivals]
    figure.suptitle(f"64-byte frames, {how}", fontsize=11)
    figure.tight_layout()
    _save(figure, folder, f"cycles-{arrivals}")


def draw_meshes(pyplot, found, folder):
    """Bars in groups, one for each work."""
    figure, axis = pyplot.subplots(figsize=(6, 3.8))
    width = 0.8 / len(found)
    for i, (who, works) in enumerate(found.items()):
        names = [work for work in TITLES if work in works]
        records = [works[work] for work in names]
        places = [list(TITLES).index(work) + (i - (len(found) - 1) / 2) * width for work in names]
        bars = axis.bar(
            places, [record["cycles"] for record in records], width * 0.92,
            yerr=_spread(records), color=STYLES[who][0], label=LABELS[who], capsize=2,
        )  # fmt: skip
        axis.bar_label(bars, fmt="%.0f", fontsize=8)
    axis.set_xticks(range(len(TITLES)))
    axis.set_xticklabels(TITLES.values())
    axis.set_ylabel("TSC cycles per packet")
    axis.set_title("1,000 MACs on each side, all to all", fontsize=11)
    axis.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    _save(figure, folder, "mesh")


def draw(records, folder):
    """Draws all that the records have."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    os.makedirs(folder, exist_ok=True)
    for arrivals, works in curves(records).items():
        draw_curves(pyplot, arrivals, works, folder)
    if found := meshes(records):
        draw_meshes(pyplot, found, folder)


if __name__ == "__main__":
    with open(sys.argv[1]) as results:
        draw(json.load(results), sys.argv[2])
