"""Medians of runs as a Markdown table, and their ratios to nginx as JSON."""

import statistics

from kit.items import ITEMS
from kit.measuring import NOISY, noisy


def figures(item, record):
    """The columns of one run."""
    stream = item.unit == "chunk"
    at = "relay_" if stream else ""
    rate = record.get("chunks", 0) / record["seconds"] if stream else record.get("rps")
    bad = sum(record.get("errors", {}).values()) + record.get("unfinished", 0)
    bad += sum(record.get(name, 0) for name in ("lost", "doubled", "reordered", "foreign"))
    less = lambda value: None if value is None else max(0, value - item.base_us)
    out = {
        "rate": rate,
        "p50": less(record.get(at + "p50_us")),
        "p99": less(record.get(at + "p99_us")),
        "cpu": record.get(f"cpu_us_per_{item.unit}"),
        "rss": record["rss_peak_kb"] / 1024 if "rss_peak_kb" in record else None,
        "bad": bad,
        "core0": record.get("gateway_busy"),
        "core1": record.get("load_core_busy"),
    }
    if not stream and not record.get("requests"):
        out["p50"] = out["p99"] = None
    return out


def medians(item, records):
    rows = [figures(item, record) for record in records if "mode" in record]
    if not rows:
        return None
    out = {}
    for key in rows[0]:
        values = [row[key] for row in rows if row[key] is not None]
        out[key] = statistics.median(values) if values else None
    out["bad"] = sum(row["bad"] for row in rows)
    out["runs"] = len(rows)
    return out


def number(value, digits=None):
    if value is None:
        return "–"
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def table(records):
    """Medians per item and target; disturbed runs are left out where there is a calm one."""
    targets = list(dict.fromkeys(record["target"] for record in records))
    head = ["item", "target", "runs", "per s", "p50 µs", "p99 µs", "p50 − direct", "p99 − direct",
            "CPU µs/unit", "peak RSS MB", "bad", "core 0", "core 1",
            "rate ÷ nginx", "p50 ÷ nginx", "CPU ÷ nginx"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * 2 + "--:|" * (len(head) - 2)]
    notes = []
    for key, item in ITEMS.items():
        rows = {}
        for target in targets:
            mine = [r for r in records if r["item"] == key and r["target"] == target]
            calm = [r for r in mine if not noisy(r)]
            if row := medians(item, calm or mine):
                rows[target] = row
        if not rows:
            continue
        unit = "chunk" if item.unit == "chunk" else "request"
        base = f", latency over {item.base_us // 1000} ms" if item.base_us else ""
        notes.append(f"- {key}: {item.what} (unit: {unit}{base})")
        direct, nginx = rows.get("direct"), rows.get("nginx")
        for name, row in rows.items():
            def versus(other, figure, combine):
                usable = other and other is not row and other[figure] and row[figure] is not None
                return combine(row[figure], other[figure]) if usable else None
            minus = lambda mine, other: mine - other
            ratio = lambda mine, other: mine / other
            cells = [key, name, str(row["runs"]), number(row["rate"]),
                     number(row["p50"], 0), number(row["p99"], 0),
                     number(versus(direct, "p50", minus), 0), number(versus(direct, "p99", minus), 0),
                     number(row["cpu"]), number(row["rss"]), str(row["bad"]),
                     number(row["core0"], 2), number(row["core1"], 2),
                     number(versus(nginx, "rate", ratio), 3), number(versus(nginx, "p50", ratio), 2),
                     number(versus(nginx, "cpu", ratio), 2)]
            lines.append("| " + " | ".join(cells) + " |")
    calm = {(r["item"], r["target"]) for r in records if not noisy(r)}
    disturbed = {f"{r['item']}/{r['target']}" for r in records} - {"/".join(pair) for pair in calm}
    if disturbed:
        notes.append(f"\nOther processes took more than {NOISY} of a core in every run of: "
                     + ", ".join(sorted(disturbed)))
    return "\n".join(lines) + "\n\n" + "\n".join(notes)


def ratios(records):
    """Per item and target: rate, p50, p99 and CPU divided by nginx's of the same run, and bad answers."""
    out = {}
    targets = list(dict.fromkeys(record["target"] for record in records))
    for key, item in ITEMS.items():
        rows = {}
        for target in targets:
            mine = [r for r in records if r["item"] == key and r["target"] == target]
            calm = [r for r in mine if not noisy(r)]
            if row := medians(item, calm or mine):
                rows[target] = row
        nginx = rows.get("nginx")
        for target, row in rows.items():
            of = {"bad": row["bad"], "runs": row["runs"], "rss_mb": row["rss"]}
            for figure in ("rate", "p50", "p99", "cpu"):
                of[figure] = row[figure]
                if nginx and nginx[figure] and row[figure] is not None:
                    of[f"{figure}_to_nginx"] = round(row[figure] / nginx[figure], 3)
            out.setdefault(key, {})[target] = of
    return out
