"""langchain-openai through the gateway."""

import asyncio
import importlib.metadata
import time

import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from cases import (EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, V1, VERDICT, WEATHER, Suite, check, check_verdict, check_weather, need,
                   raises)

suite = Suite("py-langchain", importlib.metadata.version("langchain-openai"))


def model(**more):
    return ChatOpenAI(**{"model": MODEL, "base_url": V1, "api_key": KEY, "max_retries": 0, "timeout": 30, "max_tokens": 40, **more})


@suite.case("chat")
def _():
    m = model().invoke([("system", "Be brief."), ("user", "Say hello.")])
    check(m.content, "no content")
    check(m.usage_metadata and m.usage_metadata["total_tokens"] > 0, f"usage {m.usage_metadata}")
    check(m.response_metadata.get("finish_reason") in ("stop", "length"), f"{m.response_metadata}")


@suite.case("stream")
def _():
    whole, n = None, 0
    for chunk in model(stream_usage=True).stream("Say hello."):
        n += 1
        whole = chunk if whole is None else whole + chunk
    check(whole.content, "no text")
    check(whole.usage_metadata and whole.usage_metadata["total_tokens"] > 0, f"usage {whole.usage_metadata}")
    return f"{n} chunks"


@suite.case("tools")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    m = model(max_tokens=600).bind_tools([{"type": "function", "function": WEATHER}], tool_choice="any", parallel_tool_calls=False).invoke("Weather in Lima?")
    check(m.tool_calls, f"no tool_calls, content {str(m.content)[:80]!r}")
    check_weather(m.tool_calls[0]["args"])


@suite.case("JSON schema")
def _():
    need(SCHEMA, "model without JSON schema (AGON_JSON_SCHEMA=no)")
    value = model(max_tokens=200).with_structured_output({"title": "verdict", **VERDICT}, method="json_schema", strict=True).invoke("Who wins?")
    check_verdict(value)


@suite.case("embeddings")
def _():
    need(EMBED, "no AGON_EMBED_MODEL")
    vectors = OpenAIEmbeddings(model=EMBED, base_url=V1, api_key=KEY, check_embedding_ctx_length=False, max_retries=0).embed_documents(["the sun", "the sea"])
    check(len(vectors) == 2 and len(vectors[0]) > 1, "vectors")


@suite.case("model that is not there: 404")
def _():
    why = raises(openai.APIStatusError, lambda: model(model=NO_MODEL).invoke("x"))
    check(why.status_code == 404, f"HTTP {why.status_code}: {str(why)[:120]}")


@suite.case("bad key: 401")
def _():
    why = raises(openai.APIStatusError, lambda: model(api_key="sk-wrong-0000").invoke("x"))
    check(why.status_code == 401, f"HTTP {why.status_code}: {str(why)[:120]}")


@suite.case("batch of 8")
def _():
    check(len(model(max_tokens=8).batch([f"Count {i}" for i in range(8)])) == 8, "answers")


@suite.case("cancel in mid stream")
async def _():
    async def read():
        async for _c in model(max_tokens=LONG_TOKENS).astream("Say hello."):
            await asyncio.sleep(0.02)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    began = time.monotonic()
    check((await model(max_tokens=5).ainvoke("x")).response_metadata, "no answer")
    check(time.monotonic() - began < 10, "the next call waited for the cancelled one")


@suite.case("timeout, then fine")
def _():
    raises(openai.APIConnectionError, lambda: model(timeout=0.0005, max_tokens=200).invoke("Say hello."))
    check(model(max_tokens=5).invoke("x").response_metadata, "no answer after a timeout")


suite.run()
