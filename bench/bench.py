#!/usr/bin/env python3
"""Measures an HTTP LLM gateway against no gateway at all and against nginx, in one run.

The gateway (and nginx) run on core 0, the mock upstream and the load client on core 1.
Prints one Markdown table of medians; every single run goes to --json. See docs/benchmarking.md.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from kit import agon
from kit.items import ITEMS, Target
from kit.measuring import calmest, preflight
from kit.processes import describe_machine, pin, prepare, rss_mb, start_nginx, start_upstream
from kit.report import ratios, table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--agon", metavar="BINARY", help="start this Agon and measure it (in place of --base-url)")
    add("--name", help="what the table calls the gateway")
    add("--base-url", help="e.g. http://127.0.0.1:4000 (/v1/chat/completions is appended)")
    add("--pid", type=int, action="append", default=[], help="the gateway's process (repeatable)")
    add("--header", action="append", default=[], help="'authorization: Bearer …' (repeatable)")
    add("--model-prefix", default="", help="put before every model name, e.g. openai/")
    add("--anthropic-model", help="the gateway's name for an Anthropic deployment of `fast` (item g)")
    add("--items", default="a,b50,b200,b1000,c,cs,d,e,f,g,h", help="of " + ",".join(ITEMS))
    add("--rounds", type=int, default=3)
    add("--scale", type=float, default=1.0, help="factor on the measured seconds, for a quick look")
    add("--retries", type=int, default=2, help="how often a disturbed run is repeated")
    add("--patience", type=float, default=15, help="seconds to wait for a calm machine before a run")
    add("--nice", type=int, default=0, help="niceness of all that is measured; below 0 shields the\n"
        "run on a machine that others use too (root only)")
    add("--nginx", action="store_true", help="measure nginx as well, for the ratios")
    add("--upstream-port", type=int, default=18000)
    add("--nginx-port", type=int, default=18001)
    add("--agon-port", type=int, default=18002)
    add("--json", help="append every run to this file, one JSON object per line")
    add("--report", help="write the table to this file, too (Markdown)")
    add("--ratios", help="write medians and ratios to nginx to this file (JSON)")
    add("--table", nargs="+", help="measure nothing, print the table of such files")
    options = parser.parse_args()
    options.items = options.items.split(",")
    unknown = [key for key in options.items if key not in ITEMS]
    if unknown:
        parser.error(f"no such item: {', '.join(unknown)}")
    if options.agon and options.base_url:
        parser.error("--agon or --base-url, not both")
    if options.base_url and not options.pid:
        print("no --pid: no CPU, no memory, nothing pinned", file=sys.stderr)
    return options


def main():
    options = arguments()
    if options.table:
        lines = [line for name in options.table for line in Path(name).read_text().splitlines()]
        print(table([json.loads(line) for line in lines]))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    prepare(options.nice)
    started = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            run(options, directory, started)
    finally:
        for process in started:
            process.terminate()
            process.wait()


def gateway(options, directory, started):
    """The gateway under test; `None` without one."""
    if options.agon:
        text = agon.settings(options.upstream_port)
        process = agon.start(options.agon, options.agon_port, directory, text)
        started.append(process)
        key = [f"authorization: Bearer {agon.KEY}"]
        return Target(options.name or "agon", f"http://127.0.0.1:{options.agon_port}", [process.pid],
                      key, anthropic_model="claude-fast", is_gateway=True)
    if options.base_url:
        return Target(options.name or "gateway", options.base_url, options.pid, options.header,
                      options.model_prefix, options.anthropic_model, True)
    return None


def targets_of(options, directory, started):
    port = options.upstream_port
    targets = [Target("direct", f"http://127.0.0.1:{port}")]
    if options.nginx and (nginx := start_nginx(options.nginx_port, port, directory)):
        started.append(nginx)
        targets.append(Target("nginx", f"http://127.0.0.1:{options.nginx_port}", [nginx.pid]))
    if under_test := gateway(options, directory, started):
        targets.append(under_test)
        pin(under_test.pids, options.nice)
    return targets


def run(options, directory, started):
    upstream = start_upstream(options.upstream_port)
    started.append(upstream)
    targets = targets_of(options, directory, started)
    idle = {target.name: rss_mb(target.pids) for target in targets if target.pids}
    for target in targets:
        preflight(target)
    machine_text = describe_machine()
    print(machine_text, file=sys.stderr)
    known = [upstream.pid] + [pid for target in targets for pid in target.pids]
    records = []
    try:
        for turn in range(options.rounds):
            for key in options.items:
                for target in targets:
                    if key == "g" and target.is_gateway and not target.anthropic_model:
                        continue
                    record = calmest(key, target, upstream.pid, options, known)
                    records.append({"round": turn, "item": key, "target": target.name, **record})
                    keep(records[-1], options.json)
    except (KeyboardInterrupt, SystemExit):
        print("stopped early", file=sys.stderr)
    time.sleep(3)
    told = [table(records), "", machine_text]
    for target in targets:
        if target.pids:
            told.append(f"RSS of {target.name}: idle {idle[target.name]:.1f} MB, "
                        f"3 s after all items {rss_mb(target.pids):.1f} MB")
    print("\n".join(told))
    if options.report:
        Path(options.report).write_text("\n".join(told) + "\n")
    if options.ratios:
        Path(options.ratios).write_text(json.dumps(ratios(records), indent=1) + "\n")


def keep(record, path):
    line = json.dumps(record, sort_keys=True)
    print(line, file=sys.stderr, flush=True)
    if path:
        with open(path, "a") as out:
            out.write(line + "\n")


if __name__ == "__main__":
    main()
