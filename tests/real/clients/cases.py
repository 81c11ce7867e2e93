"""Case runner and settings of the Python scripts; clients.sh sets the environment.

One line per case: `PASS name`, `FAIL name: why`, `SKIP name: why`. Exits 3 when a case failed; any other status but 0 means
that the script itself broke.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import time


class Skip(Exception):
    """The case cannot be run on this peer; the text says why."""


class Wrong(Exception):
    """The peer did not do what the case asks for."""


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


BASE = env("AGON_BASE_URL").rstrip("/")
V1 = BASE + "/v1"
KEY = env("AGON_API_KEY")
MODEL = env("AGON_MODEL")
EMBED = env("AGON_EMBED_MODEL")
TOOLS = env("AGON_TOOLS", "yes") != "no"
SCHEMA = env("AGON_JSON_SCHEMA", "yes") != "no"
REQUIRED = {name for name in env("AGON_REQUIRE").replace(",", " ").split() if name}  # responses, ollama, count_tokens
ONLY = {title for title in env("AGON_ONLY").split(";") if title}  # titles of the cases to run; none: all
NO_MODEL = "no-such-model-7f3a"
LONG_TOKENS = int(env("AGON_LONG_TOKENS", "1500"))

WEATHER = {
    "name": "get_weather",
    "description": "Current weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris", "Lima"]}, "days": {"type": "integer", "enum": [1, 2, 3]}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}
VERDICT = {
    "type": "object",
    "properties": {"winner": {"type": "string", "enum": ["a", "b"]}, "points": {"type": "integer", "enum": [1, 2, 3]}, "sure": {"type": "boolean"}},
    "required": ["winner", "points", "sure"],
    "additionalProperties": False,
}


def check(truth: object, why: str) -> None:
    if not truth:
        raise Wrong(why)


def need(truth: object, why: str) -> None:
    if not truth:
        raise Skip(why)


def check_weather(arguments: dict) -> None:
    check(isinstance(arguments, dict) and arguments.get("city") in ("Berlin", "Paris", "Lima"), f"tool arguments {arguments!r}")


def check_verdict(value: dict) -> None:
    check(isinstance(value, dict) and value.get("winner") in ("a", "b") and value.get("points") in (1, 2, 3) and isinstance(value.get("sure"), bool),
          f"not in the schema: {value!r}")


def optional(name: str, missing: bool, why: str) -> None:
    """A feature that a peer may lack, unless AGON_REQUIRE names it."""
    if missing:
        raise (Wrong if name in REQUIRED else Skip)(why)


def raises(kinds, fn):
    """Runs fn, which must raise one of `kinds`; returns the exception."""
    try:
        value = fn()
    except kinds as why:
        return why
    except (Skip, Wrong):
        raise
    except Exception as why:
        raise Wrong(f"raised {type(why).__name__}: {str(why)[:160]}") from None
    raise Wrong(f"no error; got {str(value)[:120]}")


class Suite:
    def __init__(self, name: str, version: str):
        self.name, self.cases = f"{name}[{MODEL}]", []
        print(f"# {self.name} {version}", flush=True)

    def case(self, title: str, model: str = ""):
        """Adds a case; with `model`, one that only that model can show."""
        def add(fn):
            if model in ("", MODEL):
                self.cases.append((title, fn))
            return fn
        return add

    def run(self) -> None:
        failed = 0
        for title, fn in self.cases:
            name = f"{self.name}: {title}"
            if ONLY and title not in ONLY:
                continue
            start = time.monotonic()
            try:
                if inspect.iscoroutinefunction(fn):
                    note = asyncio.run(asyncio.wait_for(fn(), 60))
                else:
                    note = fn()
                print(f"PASS {name}" + (f" ({note})" if note else ""), flush=True)
            except Skip as why:
                print(f"SKIP {name}: {why}", flush=True)
            except Wrong as why:
                failed += 1
                print(f"FAIL {name}: {why}", flush=True)
            except Exception as why:
                failed += 1
                text = " ".join(str(why).split())[:240]
                print(f"FAIL {name}: {type(why).__name__}: {text}", flush=True)
            if time.monotonic() - start > 30:
                print(f"# {name} took {time.monotonic() - start:.0f} s", flush=True)
        sys.stdout.flush()
        os._exit(3 if failed else 0)  # SDK background threads must not keep us
