#!/usr/bin/env python3
"""Runs Agon at half load with faults at its upstream, and fails when its memory grows.

Half of what it can do (measured first, closed loop) arrives at a fixed rate: three quarters to a
group of a good, a failing and a rate-limited deployment, the rest to one whose answers break off or
stall. Streams flow beside. The resident memory is sampled each second; the run fails when the mean
of the last quarter is more than --drift above the third quarter's, or when the good group failed.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time

from kit import agon
from kit.processes import BUILT, LOAD_CORE, prepare, rss_mb, spawn, start_upstream

SEGMENT_S = 20
FAULTS = ("fail-cut-a", "fail-stall-a", "fail-500-b")


def seconds(text):
    """`20m`, `90s`, `1h`, or a number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError("write 20m, 90s, 1h, or a number of seconds")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--agon", required=True, metavar="BINARY", help="the binary under test")
    add("--soak", type=seconds, default=seconds("20m"), metavar="TIME", help="how long; 20m by default")
    add("--drift", type=float, default=5.0, metavar="PERCENT", help="most growth that passes; 5 by default")
    add("--upstream-port", type=int, default=18000)
    add("--agon-port", type=int, default=18002)
    add("--json", help="write samples and verdict to this file")
    return parser.parse_args()


def settings(upstream_port):
    """The bench's models, a group with bad members, and one of faults only."""
    base = f"http://127.0.0.1:{upstream_port}/v1"
    mixed = [agon.entry("mixed", f"openai/{name}", base) for name in ("fast", "fail-429-a", "fail-500-a")]
    faults = [agon.entry("faults", f"openai/{name}", base, timeout=5, stream_timeout=5) for name in FAULTS]
    router = {"num_retries": 3, "cooldown_time": 2, "fallbacks": [{"mixed": ["fast"]}]}
    return agon.settings(upstream_port, mixed + faults, router)


class Load:
    """The load client, once for each kind of traffic."""

    def __init__(self, port):
        self.common = ["--header", f"authorization: Bearer {agon.KEY}", "--warmup", 0, "--timeout", 30]
        self.url = f"http://127.0.0.1:{port}/v1/chat/completions"

    def start(self, mode, model, *more):
        command = [BUILT / "bench-load", mode, "--url", self.url, "--model", model, *self.common, *more]
        return spawn(LOAD_CORE, command, stdout=subprocess.PIPE, text=True)

    def capacity(self):
        """Requests a second of a closed loop."""
        process = self.start("closed", "fast", "--seconds", 5, "--connections", 32)
        return result(process)["rps"]


def result(process):
    out, _ = process.communicate(timeout=SEGMENT_S + 120)
    if process.returncode != 0:
        sys.exit("the load client failed")
    return json.loads(out)


def segment(load, rate, last_s):
    """One stretch of all kinds of traffic at once."""
    slow = max(1, min(20, round(rate / 400)))
    return {
        "mixed": load.start("open", "mixed", "--rate", max(1, round(rate * 0.75)), "--seconds", last_s),
        "fast": load.start("open", "fast", "--rate", max(1, round(rate * 0.25)), "--seconds", last_s),
        # Few: a stalled call lasts for its whole time limit.
        "faults": load.start("open", "faults", "--rate", slow, "--seconds", last_s),
        "streams": load.start("streams", "s200", "--connections", 20, "--repeat", max(1, int(last_s / 4))),
    }


def soak(options, process):
    """Puts the load on until the time is over; samples and what came of the traffic."""
    load = Load(options.agon_port)
    rate = load.capacity() / 2
    print(f"half load: {rate:.0f} requests/s", file=sys.stderr)
    samples, totals, end = [], {}, time.monotonic() + options.soak
    while (left := end - time.monotonic()) > 1:
        running = segment(load, rate, round(min(SEGMENT_S, left), 1))
        while any(part.poll() is None for part in running.values()):
            samples.append(rss_mb([process.pid]))
            time.sleep(1)
        for name, part in running.items():
            told = result(part)
            total = totals.setdefault(name, {"requests": 0, "errors": 0, "lost": 0})
            total["requests"] += told.get("requests", told.get("chunks", 0))
            total["errors"] += sum(told.get("errors", {}).values()) + told.get("unfinished", 0)
            total["lost"] += told.get("lost", 0)
        if process.poll() is not None:
            sys.exit("the gateway ended")
        print(f"{samples[-1]:.1f} MB, {json.dumps(totals)}", file=sys.stderr, flush=True)
    return rate, samples, totals


def verdict(samples, totals, most_percent):
    """The growth from the third to the last quarter, and why the run fails; empty when it does not."""
    quarter = max(1, len(samples) // 4)
    third = statistics.mean(samples[-2 * quarter:-quarter] or samples)
    last = statistics.mean(samples[-quarter:])
    drift = (last - third) / third * 100
    why = []
    if drift > most_percent:
        why.append(f"memory grew by {drift:.1f} % in the second half")
    for name in ("mixed", "fast", "streams"):
        if totals[name]["errors"] or totals[name]["lost"]:
            why.append(f"{name}: {totals[name]}")
    return round(drift, 2), why


def main():
    options = arguments()
    prepare()
    started = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            started.append(start_upstream(options.upstream_port))
            text = settings(options.upstream_port)
            started.append(agon.start(options.agon, options.agon_port, directory, text))
            rate, samples, totals = soak(options, started[-1])
    finally:
        for process in started:
            process.terminate()
            process.wait()
    drift, why = verdict(samples, totals, options.drift)
    told = {"rate": round(rate), "seconds": options.soak, "rss_mb": {"first": round(samples[0], 1),
            "most": round(max(samples), 1), "last": round(samples[-1], 1)}, "drift_percent": drift,
            "traffic": totals, "failed": why}
    print(json.dumps(told, indent=1))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({**told, "samples_mb": samples}, out)
    sys.exit(1 if why else 0)


if __name__ == "__main__":
    main()
