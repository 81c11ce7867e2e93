"""Processes of this machine: starting and pinning them, their CPU time and memory."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
BUILT = KIT / "target/release"
TICK = os.sysconf("SC_CLK_TCK")
GATEWAY_CORE, LOAD_CORE = 0, 1

NGINX_CONF = """
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
{user}
pid {dir}/nginx.pid;
error_log {dir}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  client_max_body_size 16m; client_body_buffer_size 2m;
  keepalive_requests 100000000; keepalive_timeout 600s;
  upstream mock {{
    server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_buffer_size 64k; proxy_buffers 8 64k;
    }}
  }}
}}
"""


def tree(roots):
    """The given processes and all that descend from them."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid for pid in roots if pid in parents]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found


def rss_mb(roots):
    total = 0
    for pid in tree(roots):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += next((int(l.split()[1]) for l in status.splitlines() if l.startswith("VmRSS:")), 0)
    return total / 1024


def cpu_seconds(roots):
    total = 0
    for pid in tree(roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[n]) for n in (11, 12, 13, 14))
    return total / TICK


def machine():
    """CPU seconds of all processes, and those the hypervisor took."""
    fields = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(fields[0:3]) / TICK, fields[7] / TICK


def settle(known, patience):
    """Waits until the measured processes are calm, so that no run pays for the one before (30 s at
    most), and `patience` seconds for the rest of the machine."""
    start = time.monotonic()
    while (waited := time.monotonic() - start) < max(30.0, patience):
        ours, total = cpu_seconds(known), machine()[0]
        time.sleep(0.5)
        ours, total = cpu_seconds(known) - ours, machine()[0] - total
        if (ours < 0.04 or waited > 30.0) and (total - ours < 0.04 or waited > patience):
            return


def pin(pids, nice):
    for pid in tree(pids):
        subprocess.run(["taskset", "-apc", str(GATEWAY_CORE), str(pid)], check=True,
                       stdout=subprocess.DEVNULL)
        if nice:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.setpriority(os.PRIO_PROCESS, int(thread), nice)


def spawn(core, command, **more):
    """Starts on a core; the niceness is this process's own."""
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], **more)


def listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(port, core, command):
    """Starts a server and waits until it listens."""
    if listening(port):
        sys.exit(f"port {port} is taken by another program")
    process = spawn(core, command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        if listening(port):
            return process
        time.sleep(0.05)
    process.kill()
    sys.exit(f"{command[0]} does not listen on port {port}")


def start_nginx(port, upstream_port, directory):
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not binary:
        print("nginx is not installed: no ratios", file=sys.stderr)
        return None
    conf = Path(directory) / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(NGINX_CONF.format(user=user, dir=directory, port=port, upstream=upstream_port))
    return serve(port, GATEWAY_CORE, [binary, "-p", directory, "-c", conf])


def lateness(core):
    """p50 and p99 of how late a sleeping process wakes on a core, in µs: the floor of all latencies."""
    kept = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    late = []
    for _ in range(1000):
        start = time.monotonic()
        time.sleep(0.001)
        late.append((time.monotonic() - start - 0.001) * 1e6)
    os.sched_setaffinity(0, kept)
    late.sort()
    return f"{late[500]:.0f} / {late[990]:.0f}"


def describe_machine():
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((l.partition(":")[2].strip() for l in lines if l.startswith("model name")), "CPU")
    text = (f"{cpu}, Linux {os.uname().release}, TCP {congestion}; a sleeper wakes late by "
            f"(p50 / p99 µs) {lateness(GATEWAY_CORE)} on core 0, {lateness(LOAD_CORE)} on core 1")
    if congestion == "bbr":
        text += "\nbbr paces on loopback too and makes item d dearer: see docs/benchmarking.md"
    return text


def children():
    """CPU seconds of this process's children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def prepare(nice=0):
    """Checks what every run needs, and puts this process beside the load."""
    for name in ("bench-upstream", "bench-load"):
        if not (BUILT / name).exists():
            sys.exit(f"build first: cargo build --release --manifest-path {KIT}/Cargo.toml")
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one for the gateway, one for the load")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    os.setpriority(os.PRIO_PROCESS, 0, nice)


def start_upstream(port):
    return serve(port, LOAD_CORE, [BUILT / "bench-upstream", port])
