//! CPU time and memory of process trees, from /proc.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;
use serde_json::json;

struct Stat {
    parent: u32,
    /// User and system time, waited-for children included, in clock ticks.
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces; fields count from what follows it.
    let rest: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |n: usize| rest.get(n)?.parse::<u64>().ok();
    let ticks = field(11)? + field(12)? + field(13)? + field(14)?;
    Some(Stat {
        parent: field(1)? as u32,
        ticks,
    })
}

/// `roots` and all that descend from them.
fn tree(roots: &[u32]) -> Vec<u32> {
    let pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let parents: Vec<(u32, u32)> = pids
        .iter()
        .filter_map(|&pid| Some((pid, stat(pid)?.parent)))
        .collect();
    let mut found: Vec<u32> = roots.to_vec();
    let mut seen: HashSet<u32> = roots.iter().copied().collect();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        next += 1;
        for &(pid, ppid) in &parents {
            if ppid == parent && seen.insert(pid) {
                found.push(pid);
            }
        }
    }
    found
}

/// A kB value of /proc/PID/status, summed over the tree.
fn memory_kb(pids: &[u32], key: &str) -> u64 {
    let one = |pid: &u32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    pids.iter().filter_map(one).sum()
}

/// CPU time of the tree in µs (resolution: one clock tick, mostly 10 ms).
fn cpu_us(pids: &[u32]) -> u64 {
    let ticks: u64 = pids.iter().filter_map(|&pid| Some(stat(pid)?.ticks)).sum();
    ticks * 1_000_000 / rustix::param::clock_ticks_per_second()
}

/// What the watched processes used between two moments.
pub struct Watch {
    roots: Vec<u32>,
    upstream: Vec<u32>,
    at: u64,
    cpu: u64,
    upstream_cpu: u64,
    own_cpu: u64,
    rss_kb: u64,
}

impl Watch {
    /// Also resets the kernel's memory peak of the processes, so that the peak is this run's.
    pub fn start(roots: &[u32], upstream: &[u32]) -> Self {
        let pids = tree(roots);
        for pid in &pids {
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
        Self {
            roots: roots.to_vec(),
            upstream: upstream.to_vec(),
            at: bench_common::now_us(),
            cpu: cpu_us(&pids),
            upstream_cpu: cpu_us(upstream),
            own_cpu: cpu_us(&[std::process::id()]),
            rss_kb: memory_kb(&pids, "VmRSS:"),
        }
    }

    /// Reads the processes again: the end of the measured time.
    pub fn read(self) -> Used {
        let wall = (bench_common::now_us() - self.at).max(1) as f64;
        let load = (cpu_us(&[std::process::id()]) - self.own_cpu)
            + cpu_us(&self.upstream).saturating_sub(self.upstream_cpu);
        let pids = tree(&self.roots);
        let cpu = cpu_us(&pids).saturating_sub(self.cpu);
        let gateway = (!pids.is_empty()).then(|| Gateway {
            cpu_us: cpu,
            busy: round3(cpu as f64 / wall),
            rss_start_kb: self.rss_kb,
            rss_peak_kb: memory_kb(&pids, "VmHWM:"),
            rss_end_kb: memory_kb(&pids, "VmRSS:"),
        });
        Used {
            load_core_busy: round3(load as f64 / wall),
            gateway,
        }
    }
}

struct Gateway {
    cpu_us: u64,
    busy: f64,
    rss_start_kb: u64,
    rss_peak_kb: u64,
    rss_end_kb: u64,
}

pub struct Used {
    /// Share of one core that the load client and the upstream took together.
    load_core_busy: f64,
    gateway: Option<Gateway>,
}

impl Used {
    /// `units` are what the CPU time is divided by: requests or chunks.
    pub fn report(&self, units: u64, unit: &str) -> Value {
        let mut out = json!({ "load_core_busy": self.load_core_busy });
        let Some(gateway) = &self.gateway else {
            return out;
        };
        if units > 0 {
            out[format!("cpu_us_per_{unit}")] = json!(round3(gateway.cpu_us as f64 / units as f64));
        }
        out["gateway_busy"] = json!(gateway.busy);
        out["rss_start_kb"] = json!(gateway.rss_start_kb);
        out["rss_peak_kb"] = json!(gateway.rss_peak_kb);
        out["rss_end_kb"] = json!(gateway.rss_end_kb);
        out
    }
}

fn round3(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
