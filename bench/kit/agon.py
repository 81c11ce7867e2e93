"""Agon as the gateway under test: its settings for the bench, and a process of it."""

import json
from pathlib import Path

from kit.processes import GATEWAY_CORE, serve

KEY = "sk-bench-0123456789abcdef"
MODELS = ("fast", "d60", "big", "s200", "slow", "twowrite")


def entry(name, model, base, **more):
    params = {"model": model, "api_base": base, "api_key": "none", **more}
    return {"model_name": name, "litellm_params": params}


def settings(upstream_port, more=(), router=None):
    """A settings file: JSON is YAML. Key check, usage rows and figures are on, as they are in use."""
    base = f"http://127.0.0.1:{upstream_port}"
    listed = [entry(name, f"openai/{name}", f"{base}/v1") for name in MODELS]
    listed.append(entry("claude-fast", "anthropic/fast", base))
    return json.dumps({
        "model_list": listed + list(more),
        "general_settings": {"master_key": KEY},
        "router_settings": router or {},
    })


def start(binary, port, directory, text):
    """Starts the binary with one worker on the gateway's core, its database in the directory."""
    home = Path(directory)
    (home / "agon.yaml").write_text(text)
    command = [Path(binary).resolve(), "serve", "--config", home / "agon.yaml", "--host", "127.0.0.1",
               "--port", port, "--num_workers", 1, "--database-url", f"sqlite:{home}/agon.db"]
    return serve(port, GATEWAY_CORE, command)
