"""What is measured: each item is one load, each target one address that it is put on."""

from dataclasses import dataclass, field


@dataclass
class Item:
    """One load: what it is, the arguments of the load client, the figures that count."""

    what: str
    mode: list
    model: str
    unit: str = "request"
    base_us: int = 0  # the upstream's own delay, taken off the latencies


def closed(what, model, connections, seconds, *more):
    mode = ["closed", "--connections", connections, "--seconds", seconds, *more]
    return Item(what, mode, model)


def open_loop(rate):
    mode = ["open", "--rate", rate, "--seconds", 8, "--min-bytes", 600]
    return Item(f"open loop, {rate}/s, upstream takes 60 ms", mode, "d60", base_us=60_000)


def streams(what, model, connections, chunks, repeat, ramp_ms):
    mode = ["streams", "--connections", connections, "--chunks", chunks]
    mode += ["--repeat", repeat, "--ramp-ms", ramp_ms]
    return Item(what, mode, model, unit="chunk")


SMALL = ("--min-bytes", 600)
LARGE = ("--min-bytes", 1_000_000, "--body-size", 1 << 20)
ITEMS = {
    "a": closed("closed loop, 32 connections, 1 KB / 1 KB", "fast", 32, 8, *SMALL),
    "b50": open_loop(50),
    "b200": open_loop(200),
    "b1000": open_loop(1000),
    "c": streams("50 streams started at once, a chunk per 10 ms", "s200", 50, 200, 3, 0),
    "cs": streams("the same, starts spread at random over 1 s", "s200", 50, 200, 3, 1000),
    "d": closed("closed loop, 8 connections, 1 MB / 1 MB", "big", 8, 6, *LARGE),
    "e": streams("500 streams, starts spread, a chunk per 500 ms", "slow", 500, 40, 1, 1000),
    "f": closed("answer in three writes 5 ms apart (10 ms)", "twowrite", 4, 4, *SMALL),
    "g": closed("OpenAI in, Anthropic upstream, 32 connections", "fast", 32, 8, *SMALL),
    "h": closed("64 clients, a fresh connection per request", "fast", 64, 6, "--churn", *SMALL),
}


@dataclass
class Target:
    name: str
    base_url: str
    pids: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    prefix: str = ""
    anthropic_model: str | None = None
    is_gateway: bool = False

    def arguments(self, key, item):
        model, dialect, path = self.prefix + item.model, "openai", "/v1/chat/completions"
        if key == "g" and self.is_gateway:
            model = self.anthropic_model
        elif key == "g":  # nothing translates here: the reference is the same load, Anthropic shapes
            dialect, path = "anthropic", "/v1/messages"
        out = ["--url", self.base_url.rstrip("/") + path, "--model", model, "--dialect", dialect]
        for header in self.headers:
            out += ["--header", header]
        for pid in self.pids:
            out += ["--pid", pid]
        return out
