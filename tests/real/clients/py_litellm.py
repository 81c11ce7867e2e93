"""The LiteLLM SDK (`litellm_proxy/…`) through the gateway."""

import asyncio
import importlib.metadata
import json
import os
import time

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # no download at import

import litellm

from cases import (BASE, EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, VERDICT, WEATHER, Suite, check, check_verdict, check_weather, need, raises)

suite = Suite("py-litellm", importlib.metadata.version("litellm"))
litellm.suppress_debug_info = True
ASK = [{"role": "user", "content": "Say hello to the world."}]
PEER = {"api_base": BASE, "api_key": KEY, "num_retries": 0, "timeout": 30}


def complete(**more):
    return litellm.completion(**{"model": "litellm_proxy/" + MODEL, "messages": ASK, "max_tokens": 40, **PEER, **more})


@suite.case("list models")
def _():
    ids = litellm.get_valid_models(check_provider_endpoint=True, custom_llm_provider="litellm_proxy", api_key=KEY, api_base=BASE)
    check(any(i.endswith(MODEL) for i in ids), f"{MODEL} not in {ids[:10]}")


@suite.case("chat")
def _():
    r = complete()
    check(r.choices[0].message.content and r.choices[0].finish_reason in ("stop", "length"), f"{r}")
    check(r.usage.total_tokens == r.usage.prompt_tokens + r.usage.completion_tokens > 0, f"usage {r.usage}")


@suite.case("stream")
def _():
    chunks = list(complete(stream=True, stream_options={"include_usage": True}))
    whole = litellm.stream_chunk_builder(chunks)
    check(whole.choices[0].message.content, "no text")
    check(whole.choices[0].finish_reason in ("stop", "length"), f"finish_reason {whole.choices[0].finish_reason}")
    check(any(getattr(c, "usage", None) for c in chunks), "no usage chunk")
    return f"{len(chunks)} chunks"


@suite.case("tools")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    r = complete(tools=[{"type": "function", "function": WEATHER}], tool_choice="required", parallel_tool_calls=False, max_tokens=600)
    calls = r.choices[0].message.tool_calls
    check(calls, f"no tool_calls, content {str(r.choices[0].message.content)[:80]!r}")
    check_weather(json.loads(calls[0].function.arguments))


@suite.case("JSON schema")
def _():
    need(SCHEMA, "model without JSON schema (AGON_JSON_SCHEMA=no)")
    r = complete(response_format={"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": VERDICT}}, max_tokens=200)
    check_verdict(json.loads(r.choices[0].message.content))


@suite.case("embeddings")
def _():
    need(EMBED, "no AGON_EMBED_MODEL")
    r = litellm.embedding(model="litellm_proxy/" + EMBED, input=["the sun", "the sea"], **PEER)
    check(len(r.data) == 2 and len(r.data[0]["embedding"]) > 1, f"{str(r)[:120]}")


@suite.case("model that is not there: 404")
def _():
    why = raises((litellm.NotFoundError, litellm.BadRequestError), lambda: complete(model="litellm_proxy/" + NO_MODEL))
    check(isinstance(why, litellm.NotFoundError), f"{type(why).__name__}, status {getattr(why, 'status_code', None)}")


@suite.case("bad key: 401")
def _():
    raises(litellm.AuthenticationError, lambda: complete(api_key="sk-wrong-0000"))


@suite.case("cancel in mid stream")
async def _():
    async def read():
        async for _c in await litellm.acompletion(model="litellm_proxy/" + MODEL, messages=ASK, max_tokens=LONG_TOKENS, stream=True, **PEER):
            await asyncio.sleep(0.02)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    began = time.monotonic()
    r = await litellm.acompletion(model="litellm_proxy/" + MODEL, messages=ASK, max_tokens=5, **PEER)
    check(r.choices and time.monotonic() - began < 10, "no prompt answer after a cancelled stream")


@suite.case("timeout, then fine")
def _():
    raises(litellm.Timeout, lambda: complete(timeout=0.0005, max_tokens=200))
    check(complete(max_tokens=5).choices, "no answer after a timeout")


suite.run()
