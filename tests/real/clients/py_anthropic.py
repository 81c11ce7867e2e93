"""The Anthropic Python SDK (Messages API) through the gateway."""

import time

import anthropic

from cases import (BASE, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, VERDICT, WEATHER, Suite, check, check_verdict, check_weather, need,
                   optional, raises)

suite = Suite("py-anthropic", anthropic.__version__)
client = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=30)
ASK = [{"role": "user", "content": "Say hello to the world."}]
TOOL = {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]}


def create(**more):
    return client.messages.create(**{"model": MODEL, "messages": ASK, "max_tokens": 40, **more})


def check_usage(usage):
    check(usage and usage.input_tokens >= 0 and usage.output_tokens >= 0, f"usage {usage}")
    check(usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0) > 0, f"no input tokens: {usage}")


def text_of(message):
    return "".join(b.text for b in message.content if b.type == "text")


@suite.case("list models")
def _():
    ids = [m.id for m in client.models.list()]
    check(MODEL in ids, f"{MODEL} not in {ids[:10]}")


@suite.case("chat")
def _():
    m = create()
    check(m.type == "message" and m.role == "assistant" and text_of(m), f"message {m}")
    check(m.stop_reason in ("end_turn", "max_tokens", "stop_sequence"), f"stop_reason {m.stop_reason}")
    check_usage(m.usage)


@suite.case("max_tokens")
def _():
    m = create(max_tokens=2)
    check(m.usage.output_tokens <= 2, f"{m.usage.output_tokens} output tokens, max_tokens was 2")
    return m.stop_reason


@suite.case("stop sequence")
def _():
    one, two = (text_of(create(extra_body={"temperature": 0})) for _ in range(2))
    need(one == two, "answers differ at temperature 0")
    word = next((w for w in one.split()[2:] if w.isalpha() and one.find(w) > 5), None)
    need(word, f"no usable word in {one!r}")
    m = create(extra_body={"temperature": 0}, stop_sequences=[word])
    check(word not in text_of(m), f"{word!r} still there")
    check(m.stop_reason == "stop_sequence" and m.stop_sequence == word, f"stop_reason {m.stop_reason}, stop_sequence {m.stop_sequence!r}")


@suite.case("system, blocks, unicode")
def _():
    m = create(system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
               messages=[{"role": "user", "content": [{"type": "text", "text": "Grüße 😀 漢字"}]}, {"role": "assistant", "content": "Hallo."},
                         {"role": "user", "content": "And now?"}])
    check(m.content is not None, "no content")


@suite.case("stream")
def _():
    kinds = []
    with client.messages.stream(model=MODEL, messages=ASK, max_tokens=40) as stream:
        for event in stream:
            kinds.append(event.type)
        final = stream.get_final_message()
    raw = [k for k in kinds if k not in ("text", "input_json")]
    check(raw[0] == "message_start" and raw[-1] == "message_stop", f"events {raw[:2]}…{raw[-2:]}")
    check("content_block_start" in raw and "content_block_stop" in raw and "message_delta" in raw, f"events {sorted(set(raw))}")
    check(text_of(final), "no text")
    check(final.stop_reason, "no stop_reason")
    check_usage(final.usage)
    return f"{len(raw)} events"


@suite.case("tools")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    m = create(tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True}, max_tokens=600)
    uses = [b for b in m.content if b.type == "tool_use"]
    check(uses, f"no tool_use, content {m.content}")
    check(uses[0].name == "get_weather" and uses[0].id, f"block {uses[0]}")
    check_weather(uses[0].input)
    check(m.stop_reason == "tool_use", f"stop_reason {m.stop_reason}")
    again = create(tools=[TOOL], messages=[*ASK, {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in uses[:1]]},
                                           {"role": "user", "content": [{"type": "tool_result", "tool_use_id": uses[0].id, "content": "clear"}]}])
    check(again.role == "assistant", "no answer to the tool result")


@suite.case("tools, stream")
def _():
    need(TOOLS, "model without tools (AGON_TOOLS=no)")
    with client.messages.stream(model=MODEL, messages=ASK, tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True}, max_tokens=600) as stream:
        m = stream.get_final_message()
    uses = [b for b in m.content if b.type == "tool_use"]
    check(uses, f"no tool_use, content {m.content}")
    check_weather(uses[0].input)
    check(m.stop_reason == "tool_use", f"stop_reason {m.stop_reason}")


@suite.case("JSON schema")
def _():
    need(SCHEMA, "model without JSON schema (AGON_JSON_SCHEMA=no)")
    import json
    m = create(output_config={"format": {"type": "json_schema", "schema": VERDICT}}, max_tokens=200)
    try:
        value = json.loads(text_of(m))
    except ValueError:
        check(False, f"not JSON: {text_of(m)[:80]!r}")
    check_verdict(value)


@suite.case("count tokens")
def _():
    try:
        n = client.messages.count_tokens(model=MODEL, messages=ASK).input_tokens
    except anthropic.APIStatusError as why:
        optional("count_tokens", why.status_code in (404, 405, 501), f"no /v1/messages/count_tokens: HTTP {why.status_code}")
        raise
    check(n > 0, f"{n} tokens")
    return f"{n} tokens"


@suite.case("a stream that breaks is an error", model="breaking")
def _():
    # demo/flaky breaks one text in three, on its first call.
    for number in range(30):
        got = []
        try:
            for event in create(messages=[{"role": "user", "content": f"anthropic {number}"}], stream=True, max_tokens=400):
                got.append(event)
        except anthropic.APIError as why:
            check(got, f"no event before the error: {why}")
            return f"{type(why).__name__} after {len(got)} events"
    check(False, "30 streams and no error")


@suite.case("model that is not there: 404")
def _():
    why = raises(anthropic.APIStatusError, lambda: create(model=NO_MODEL))
    check(why.status_code == 404, f"HTTP {why.status_code}: {str(why)[:120]}")
    check(isinstance(why.body, dict) and why.body.get("type") == "error" and why.body["error"].get("type"), f"not Anthropic's error shape: {why.body!r}")


@suite.case("bad key: 401")
def _():
    bad = anthropic.Anthropic(base_url=BASE, api_key="sk-wrong-0000", max_retries=0)
    why = raises(anthropic.APIStatusError, lambda: bad.messages.create(model=MODEL, messages=ASK, max_tokens=5))
    check(why.status_code == 401, f"HTTP {why.status_code}: {str(why)[:120]}")
    check(isinstance(why.body, dict) and why.body.get("type") == "error" and why.body["error"].get("type"), f"not Anthropic's error shape: {why.body!r}")


@suite.case("no max_tokens: 400")
def _():
    why = raises(anthropic.APIStatusError, lambda: client.post("/v1/messages", body={"model": MODEL, "messages": ASK}, cast_to=object))
    check(why.status_code in (400, 422), f"HTTP {why.status_code}: {str(why)[:120]}")


@suite.case("bearer token instead of x-api-key")
def _():
    other = anthropic.Anthropic(base_url=BASE, api_key=None, auth_token=KEY, max_retries=0, timeout=30)
    check(other.messages.create(model=MODEL, messages=ASK, max_tokens=5).role == "assistant", "no answer")


@suite.case("cancel in mid stream")
def _():
    with client.messages.stream(model=MODEL, messages=ASK, max_tokens=LONG_TOKENS) as stream:
        for i, _event in enumerate(stream):
            if i == 4:
                break
    began = time.monotonic()
    check(create(max_tokens=5).role == "assistant", "no answer after a cancelled stream")
    check(time.monotonic() - began < 10, "the next call waited for the cancelled one")


@suite.case("timeout, then fine")
def _():
    why = raises(anthropic.APIConnectionError, lambda: client.with_options(timeout=0.0005).messages.create(model=MODEL, messages=ASK, max_tokens=200))
    check(isinstance(why, anthropic.APITimeoutError), type(why).__name__)
    check(create(max_tokens=5).role == "assistant", "no answer after a timeout")


suite.run()
