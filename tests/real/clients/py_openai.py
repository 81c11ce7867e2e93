"""The OpenAI Python SDK through the gateway."""

import asyncio
import json
import time

import openai

from cases import (BASE, EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, V1, VERDICT, WEATHER, Suite, check, check_verdict, check_weather,
                   need, optional, raises)

suite = Suite("py-openai", openai.__version__)
client = openai.OpenAI(base_url=V1, api_key=KEY, max_retries=0, timeout=30)
ASK = [{"role": "user", "content": "Say hello to the world."}]


def chat(**more):
    return client.chat.completions.create(**{"model": MODEL, "messages": ASK, "max_tokens": 40, **more})


def check_usage(usage, at_most=None):
    check(usage, "no usage")
    check(usage.prompt_tokens > 0 and usage.completion_tokens >= 0, f"usage {usage}")
    check(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, f"usage does not add up: {usage}")
    if at_most is not None:
        check(usage.completion_tokens <= at_most, f"{usage.completion_tokens} completion tokens, max_tokens was {at_most}")


@suite.case("list models")
def _():
    ids = [m.id for m in client.models.list()]
    check(MODEL in ids, f"{MODEL} not in {ids[:10]}")
    return f"{len(ids)} models"


@suite.case("retrieve model")
def _():
    check(client.models.retrieve(MODEL).id == MODEL, "another id")


@suite.case("chat")
def _():
    r = chat()
    check(r.object == "chat.completion" and r.id and r.created, f"envelope {r}")
    check(r.choices[0].message.role == "assistant" and r.choices[0].message.content, f"message {r.choices[0].message}")
    check(r.choices[0].finish_reason in ("stop", "length"), f"finish_reason {r.choices[0].finish_reason}")
    check_usage(r.usage)
    return f"model {r.model}"


@suite.case("max_tokens")
def _():
    r = chat(max_tokens=3)
    check(r.choices[0].finish_reason in ("length", "stop"), f"finish_reason {r.choices[0].finish_reason}")
    check_usage(r.usage, 3)
    return r.choices[0].finish_reason


@suite.case("max_completion_tokens")
def _():
    r = client.chat.completions.create(model=MODEL, messages=ASK, max_completion_tokens=3)
    check_usage(r.usage, 3)


@suite.case("stop")
def _():
    one, two = (chat(temperature=0, seed=1, max_tokens=30).choices[0].message.content for _ in range(2))
    need(one == two, "answers differ at temperature 0")
    words = one.split()
    need(len(words) > 4, f"answer too short: {one!r}")
    word = next((w for w in words[2:] if w.isalpha() and one.find(w) > 5), None)
    need(word, f"no usable word in {one!r}")
    r = chat(temperature=0, seed=1, max_tokens=30, stop=[word])
    check(word not in r.choices[0].message.content, f"{word!r} still in {r.choices[0].message.content!r}")
    check(r.choices[0].finish_reason == "stop", f"finish_reason {r.choices[0].finish_reason}")


@suite.case("stream")
def _():
    text, finish, usage, chunks, ids, after_usage = "", None, None, 0, set(), False
    for c in chat(stream=True, stream_options={"include_usage": True}):
        chunks += 1
        ids.add(c.id)
        check(c.object == "chat.completion.chunk", f"object {c.object}")
        if c.usage:
            usage, after_usage = c.usage, True
            check(finish, "usage before finish_reason")
        for choice in c.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    check(text, "no text")
    check(finish in ("stop", "length"), f"finish_reason {finish}")
    check(len(ids) == 1, f"{len(ids)} different ids in one stream")
    check(after_usage, "no usage chunk although include_usage was set")
    check_usage(usage)
    return f"{chunks} chunks"


@suite.case("stream without usage")
def _():
    extra = [c.usage for c in chat(stream=True) if c.usage]
    check(not extra, "usage chunk although include_usage was not set")


@suite.case("stream equals non-stream")
def _():
    whole = chat(temperature=0, seed=1).choices[0].message.content
    again = chat(temperature=0, seed=1).choices[0].message.content
    need(whole == again, "answers differ at temperature 0")
    parts = "".join(c.choices[0].delta.content or "" for c in chat(temperature=0, seed=1, stream=True) if c.choices)
    check(parts == whole, f"{parts[:60]!r} != {whole[:60]!r}")


@suite.case("multi-turn, system, content parts, unicode")
def _():
    r = chat(messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Grüße 😀 漢字"}]},
                       {"role": "assistant", "content": "Hallo."}, {"role": "user", "content": "And now?"}])
    check(r.choices[0].message.content is not None, "no content")


@suite.case("tools")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    r = chat(tools=[{"type": "function", "function": WEATHER}], tool_choice="required", parallel_tool_calls=False, max_tokens=600)
    calls = r.choices[0].message.tool_calls
    check(calls, f"no tool_calls, content {r.choices[0].message.content!r}")
    check(calls[0].function.name == "get_weather" and calls[0].id, f"call {calls[0]}")
    check_weather(json.loads(calls[0].function.arguments))
    check(r.choices[0].finish_reason == "tool_calls", f"finish_reason {r.choices[0].finish_reason}")
    again = chat(tools=[{"type": "function", "function": WEATHER}], messages=[*ASK, r.choices[0].message.model_dump(exclude_none=True),
                 {"role": "tool", "tool_call_id": calls[0].id, "content": '{"sky":"clear"}'}])
    check(again.choices, "no answer to the tool result")


@suite.case("tools, stream")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    name, arguments, finish, ids = "", "", None, set()
    for c in chat(tools=[{"type": "function", "function": WEATHER}], tool_choice="required", parallel_tool_calls=False, max_tokens=600, stream=True):
        for choice in c.choices:
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                check(call.index is not None, "tool call delta without index")
                name += call.function.name or ""
                arguments += call.function.arguments or ""
                ids |= {call.id} if call.id else set()
    check(name == "get_weather" and len(ids) == 1, f"name {name!r}, ids {ids}")
    check_weather(json.loads(arguments))
    check(finish == "tool_calls", f"finish_reason {finish}")


@suite.case("JSON schema")
def _():
    need(SCHEMA, "model without JSON schema (AGON_JSON_SCHEMA=no)")
    r = chat(response_format={"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": VERDICT}}, max_tokens=200)
    check_verdict(json.loads(r.choices[0].message.content))


@suite.case("embeddings")
def _():
    need(EMBED, "no AGON_EMBED_MODEL")
    r = client.embeddings.create(model=EMBED, input=["the sun", "the sea"])  # the SDK asks for base64
    check(len(r.data) == 2 and len(r.data[0].embedding) == len(r.data[1].embedding) > 1, f"{len(r.data)} vectors")
    check(all(isinstance(x, float) for x in r.data[0].embedding), "not floats")
    check([d.index for d in r.data] == [0, 1], "index")
    check(r.usage.prompt_tokens > 0, f"usage {r.usage}")
    return f"{len(r.data[0].embedding)} dimensions"


@suite.case("embeddings, float")
def _():
    need(EMBED, "no AGON_EMBED_MODEL")
    r = client.embeddings.create(model=EMBED, input="the sun", encoding_format="float")
    check(isinstance(r.data[0].embedding[0], float), "not floats")


@suite.case("responses")
def _():
    try:
        r = client.responses.create(model=MODEL, input="Say hello.", max_output_tokens=40)
    except (openai.NotFoundError, openai.APIStatusError) as why:
        optional("responses", why.status_code in (404, 405, 501), f"no /v1/responses: HTTP {why.status_code}")
        raise
    check(r.output_text, f"no text in {r.output}")
    check(r.usage and r.usage.output_tokens >= 0, f"usage {r.usage}")


@suite.case("responses, stream")
def _():
    try:
        kinds, text = [], ""
        for event in client.responses.create(model=MODEL, input="Say hello.", max_output_tokens=40, stream=True):
            kinds.append(event.type)
            text += event.delta if event.type == "response.output_text.delta" else ""
    except openai.APIStatusError as why:
        optional("responses", why.status_code in (404, 405, 501), f"no /v1/responses: HTTP {why.status_code}")
        raise
    check(kinds[0] == "response.created" and kinds[-1] in ("response.completed", "response.incomplete"), f"events {kinds[:2]}…{kinds[-2:]}")
    check(text, "no text")


@suite.case("completions")
def _():
    r = client.completions.create(model=MODEL, prompt="Say hello.", max_tokens=20)
    check(r.object == "text_completion" and r.choices[0].text, f"{r}")
    check_usage(r.usage, 20)


@suite.case("completions, stream")
def _():
    parts = list(client.completions.create(model=MODEL, prompt="Say hello.", max_tokens=20, stream=True))
    check("".join(c.text for p in parts for c in p.choices), "no text")
    check(any(c.finish_reason for p in parts for c in p.choices), "no finish_reason")


@suite.case("Azure's client and path")
def _():
    azure = openai.AzureOpenAI(azure_endpoint=BASE, api_key=KEY, api_version="2024-10-21", max_retries=0, timeout=30)
    r = azure.chat.completions.create(model=MODEL, messages=ASK, max_tokens=5)
    check(r.choices and r.usage, f"{r}")


@suite.case("headers of LiteLLM")
def _():
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASK, max_tokens=5)
    missing = [name for name in ("call-id", "model-id", "model-group", "response-duration-ms", "attempted-fallbacks") if not raw.headers.get("x-litellm-" + name)]
    check(not missing, f"no x-litellm-{{{','.join(missing)}}}")
    # After a fallback the group is the one that answered.
    told = (raw.headers["x-litellm-model-group"], raw.headers["x-litellm-attempted-fallbacks"])
    check(told == (("tiny", "1") if MODEL == "dead" else (MODEL, "0")), f"group and fallbacks {told}")


@suite.case("a stream that breaks is an error", model="breaking")
def _():
    # demo/flaky breaks one text in three, on its first call.
    for number in range(30):
        got = []
        try:
            for chunk in chat(messages=[{"role": "user", "content": f"openai {number}"}], stream=True, max_tokens=400):
                got.append(chunk)
        except openai.APIError as why:
            check(got, f"no chunk before the error: {why}")
            return f"{type(why).__name__} after {len(got)} chunks"
    check(False, "30 streams and no error")


@suite.case("model that is not there: 404")
def _():
    why = raises(openai.APIStatusError, lambda: chat(model=NO_MODEL))
    check(why.status_code == 404, f"HTTP {why.status_code}: {str(why)[:120]}")
    return f"code {why.code}"


@suite.case("model that is not there: 404, stream")
def _():
    why = raises(openai.APIStatusError, lambda: list(chat(model=NO_MODEL, stream=True)))
    check(why.status_code == 404, f"HTTP {why.status_code}: {str(why)[:120]}")


@suite.case("bad key: 401")
def _():
    bad = openai.OpenAI(base_url=V1, api_key="sk-wrong-0000", max_retries=0)
    why = raises(openai.APIStatusError, lambda: bad.chat.completions.create(model=MODEL, messages=ASK))
    check(why.status_code == 401, f"HTTP {why.status_code}: {str(why)[:120]}")
    check("sk-wrong-0000" not in str(why), "the error repeats the key")


@suite.case("no messages: 400")
def _():
    why = raises(openai.APIStatusError, lambda: chat(messages=[]))
    check(why.status_code in (400, 422), f"HTTP {why.status_code}: {str(why)[:120]}")
    check(isinstance(why.body, dict) and why.body.get("message"), f"error body {why.body!r}")


@suite.case("cancel in mid stream")
def _():
    stream = chat(stream=True, max_tokens=LONG_TOKENS)
    got = 0
    for c in stream:
        got += 1
        if got == 3:
            stream.close()
            break
    began = time.monotonic()
    check(chat(max_tokens=5).choices, "no answer after a cancelled stream")
    check(time.monotonic() - began < 10, "the next call waited for the cancelled one")


@suite.case("cancel an asyncio task in mid stream")
async def _():
    client = openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0, timeout=30)

    async def read():
        stream = await client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=LONG_TOKENS, stream=True)
        async for _c in stream:
            await asyncio.sleep(0.02)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.15)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    r = await client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=5)
    check(r.choices, "no answer after a cancelled task")
    await client.close()


@suite.case("timeout, then fine")
def _():
    why = raises(openai.APIConnectionError, lambda: client.with_options(timeout=0.0005).chat.completions.create(model=MODEL, messages=ASK, max_tokens=200))
    check(isinstance(why, openai.APITimeoutError), f"{type(why).__name__}")
    check(chat(max_tokens=5).choices, "no answer after a timeout")


@suite.case("16 at once")
async def _():
    client = openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0, timeout=60)
    answers = await asyncio.gather(*(client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=10) for _ in range(16)))
    check(all(a.choices and a.usage for a in answers), "an answer without choices or usage")
    check(len({a.id for a in answers}) == 16, "ids repeat")
    await client.close()


suite.run()
