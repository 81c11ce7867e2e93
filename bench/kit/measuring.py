"""One run of one item against one target, and how disturbed it was."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

from kit.items import ITEMS
from kit.processes import BUILT, LOAD_CORE, children, cpu_seconds, machine, settle, spawn

NOISY = 0.10  # share of one core that other processes or the hypervisor may take during a run


def preflight(target):
    """One request before the measurement: a gateway that answers nonsense is not measured."""
    body = {"model": target.prefix + "fast", "messages": [{"role": "user", "content": "hi"}]}
    request = urllib.request.Request(target.base_url.rstrip("/") + "/v1/chat/completions",
                                     json.dumps(body).encode(), {"content-type": "application/json"})
    for header in target.headers:
        name, _, value = header.partition(":")
        request.add_header(name.strip(), value.strip())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = json.load(answer)["choices"][0]["message"]["content"]
            assert len(text) > 600, "short answer"
    except urllib.error.HTTPError as error:
        sys.exit(f"{target.name}: {error.code} {error.read()[:500].decode(errors='replace')}")
    except (OSError, ValueError, KeyError, AssertionError) as error:
        sys.exit(f"{target.name}: no usable answer: {error}")


def measure(key, target, upstream, options, known):
    """One run of one item; adds how much of the machine others took meanwhile."""
    item = ITEMS[key]
    mode = list(item.mode)
    if "--seconds" in mode:
        at = mode.index("--seconds") + 1
        mode[at] = mode[at] * options.scale
    command = [BUILT / "bench-load", *mode, *target.arguments(key, item)]
    command += ["--timeout", 30, "--upstream-pid", upstream]
    settle(known, options.patience)
    before, start = (*machine(), cpu_seconds(known), children()), time.monotonic()
    process = spawn(LOAD_CORE, command, stdout=subprocess.PIPE, text=True)
    try:
        out, _ = process.communicate(timeout=300)
    except BaseException:
        process.kill()
        raise
    wall = time.monotonic() - start
    after = (*machine(), cpu_seconds(known), children())
    total, steal, ours, load = (b - a for a, b in zip(before, after))
    record = json.loads(out) if process.returncode == 0 else {"errors": {"load client": 1}}
    record["others_busy"] = round(max(0.0, total - ours - load) / wall, 3)
    record["steal"] = round(steal / wall, 3)
    return record


def noisy(record):
    return record["others_busy"] > NOISY or record["steal"] > NOISY


def calmest(*run):
    """Repeats a disturbed run; the calmest counts."""
    options = run[3]
    tries = [measure(*run)]
    while noisy(tries[-1]) and len(tries) <= options.retries:
        tries.append(measure(*run))
    return min(tries, key=lambda record: record["others_busy"] + record["steal"])
