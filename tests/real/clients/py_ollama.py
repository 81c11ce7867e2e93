"""The Ollama Python SDK through the gateway (an Ollama server, or a gateway that offers /api/chat)."""

import asyncio
import importlib.metadata
import json
import time

import httpx
import ollama

from cases import (BASE, EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, VERDICT, WEATHER, Suite, check, check_verdict, check_weather, need,
                   optional, raises)

suite = Suite("py-ollama", importlib.metadata.version("ollama"))
HEADERS = {"authorization": f"Bearer {KEY}"}
client = ollama.Client(host=BASE, headers=HEADERS, timeout=30)
ASK = [{"role": "user", "content": "Say hello to the world."}]
SHORT = {"num_predict": 40}


def _probe():
    """Why this is not an Ollama peer, or an empty string."""
    for path in ("/api/version", "/api/tags"):
        r = httpx.get(BASE + path, headers=HEADERS, timeout=10)
        if r.status_code != 200:
            return f"no Ollama API: GET {path} is HTTP {r.status_code}"
    return ""


MISSING = _probe()


def case(title):
    def add(fn):
        if asyncio.iscoroutinefunction(fn):
            async def guarded():
                optional("ollama", bool(MISSING), MISSING)
                return await fn()
        else:
            def guarded():
                optional("ollama", bool(MISSING), MISSING)
                return fn()
        return suite.case(title)(guarded)
    return add


def check_counts(r):
    check(r.done and r.prompt_eval_count > 0 and r.eval_count is not None and r.total_duration is not None, f"counts {r}")


@case("list models")
def _():
    names = [m.model for m in client.list().models]
    check(any(n == MODEL or n.split(":")[0] == MODEL for n in names), f"{MODEL} not in {names[:10]}")


@case("chat")
def _():
    r = client.chat(MODEL, ASK, options=SHORT)
    check(r.message.content and r.message.role == "assistant", f"{r}")
    check(r.done_reason in ("stop", "length"), f"done_reason {r.done_reason}")
    check_counts(r)


@case("stream")
def _():
    parts = list(client.chat(MODEL, ASK, stream=True, options=SHORT))
    check("".join(p.message.content or "" for p in parts), "no text")
    check(not any(p.done for p in parts[:-1]), "done before the end")
    check_counts(parts[-1])
    return f"{len(parts)} lines"


@case("generate")
def _():
    r = client.generate(MODEL, "Say hello.", options=SHORT)
    check(r.response, "no response")


@case("tools")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    # Ollama has no tool_choice: the model calls when it likes to, which is a matter of the seed.
    ask = [{"role": "user", "content": "Weather in Lima for 2 days?"}]
    for seed in range(1, 31):
        r = client.chat(MODEL, ask, tools=[{"type": "function", "function": WEATHER}], options={"num_predict": 300, "seed": seed})
        if r.message.tool_calls:
            break
    need(r.message.tool_calls, "the model chose not to call, with any of 30 seeds")
    check_weather(dict(r.message.tool_calls[0].function.arguments))


@case("JSON schema")
def _():
    need(SCHEMA, "model without JSON schema (AGON_JSON_SCHEMA=no)")
    check_verdict(json.loads(client.chat(MODEL, ASK, format=VERDICT, options={"num_predict": 200}).message.content))


@case("embeddings")
def _():
    need(EMBED, "no AGON_EMBED_MODEL")
    r = client.embed(EMBED, ["the sun", "the sea"])
    check(len(r.embeddings) == 2 and len(r.embeddings[0]) > 1, "vectors")


@case("show")
def _():
    check(client.show(MODEL).details is not None, "no details")


@case("model that is not there: 404")
def _():
    why = raises(ollama.ResponseError, lambda: client.chat(NO_MODEL, ASK))
    check(why.status_code == 404, f"HTTP {why.status_code}: {why.error[:120]}")


@case("bad key: 401")
def _():
    bad = ollama.Client(host=BASE, headers={"authorization": "Bearer sk-wrong-0000"})
    why = raises(ollama.ResponseError, lambda: bad.chat(MODEL, ASK))
    check(why.status_code == 401, f"HTTP {why.status_code}: {why.error[:120]}")


@case("cancel in mid stream")
async def _():
    other = ollama.AsyncClient(host=BASE, headers=HEADERS, timeout=30)

    async def read():
        async for _p in await other.chat(MODEL, ASK, stream=True, options={"num_predict": LONG_TOKENS}):
            await asyncio.sleep(0.02)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    began = time.monotonic()
    check((await other.chat(MODEL, ASK, options={"num_predict": 5})).done, "no answer")
    check(time.monotonic() - began < 10, "the next call waited for the cancelled one")


@case("timeout, then fine")
def _():
    raises(httpx.TimeoutException, lambda: ollama.Client(host=BASE, headers=HEADERS, timeout=0.0005).chat(MODEL, ASK))
    check(client.chat(MODEL, ASK, options={"num_predict": 5}).done, "no answer after a timeout")


suite.run()
