// The OpenAI Node SDK through the gateway.
import OpenAI from 'openai';
import { EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, V1, VERDICT, WEATHER, check, checkVerdict, checkWeather, need, optional, rejects, suite,
  version } from './cases.mjs';

const s = suite('js-openai', await version('openai'));
const client = new OpenAI({ baseURL: V1, apiKey: KEY, maxRetries: 0, timeout: 30_000 });
const ASK = [{ role: 'user', content: 'Say hello to the world.' }];
const chat = (more, options) => client.chat.completions.create({ model: MODEL, messages: ASK, max_tokens: 40, ...more }, options);
const addsUp = (u) => check(u && u.total_tokens === u.prompt_tokens + u.completion_tokens, `usage ${JSON.stringify(u)}`);

s.case('list models', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  check(ids.includes(MODEL), `${MODEL} not in ${ids.slice(0, 10)}`);
});
s.case('chat', async () => {
  const r = await chat();
  check(r.choices[0].message.content, 'no content');
  check(['stop', 'length'].includes(r.choices[0].finish_reason), `finish_reason ${r.choices[0].finish_reason}`);
  addsUp(r.usage);
});
s.case('stream', async () => {
  let text = '', finish, usage, n = 0;
  for await (const c of await chat({ stream: true, stream_options: { include_usage: true } })) {
    n++;
    usage = c.usage ?? usage;
    for (const x of c.choices) { text += x.delta.content ?? ''; finish = x.finish_reason ?? finish; }
  }
  check(text, 'no text');
  check(['stop', 'length'].includes(finish), `finish_reason ${finish}`);
  addsUp(usage);
  return `${n} chunks`;
});
s.case('stream helper', async () => {
  const final = await client.chat.completions.stream({ model: MODEL, messages: ASK, max_tokens: 40 }).finalChatCompletion();
  check(final.choices[0].message.content, 'no content');
});
s.case('tools', async () => {
  need(TOOLS, 'model without tools (AGON_TOOLS=no)');
  const r = await chat({ tools: [{ type: 'function', function: WEATHER }], tool_choice: 'required', parallel_tool_calls: false, max_tokens: 600 });
  const calls = r.choices[0].message.tool_calls;
  check(calls?.length, `no tool_calls, content ${r.choices[0].message.content?.slice(0, 80)}`);
  checkWeather(JSON.parse(calls[0].function.arguments));
});
s.case('tools, stream', async () => {
  need(TOOLS, 'model without tools (AGON_TOOLS=no)');
  const run = client.chat.completions.stream({ model: MODEL, messages: ASK, max_tokens: 600, tools: [{ type: 'function', function: WEATHER }], tool_choice: 'required', parallel_tool_calls: false });
  const calls = (await run.finalChatCompletion()).choices[0].message.tool_calls;
  check(calls?.length, 'no tool_calls');
  checkWeather(JSON.parse(calls[0].function.arguments));
});
s.case('JSON schema', async () => {
  need(SCHEMA, 'model without JSON schema (AGON_JSON_SCHEMA=no)');
  const r = await chat({ response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema: VERDICT } }, max_tokens: 200 });
  checkVerdict(JSON.parse(r.choices[0].message.content));
});
s.case('embeddings', async () => {
  need(EMBED, 'no AGON_EMBED_MODEL');
  const r = await client.embeddings.create({ model: EMBED, input: ['the sun', 'the sea'] });
  check(r.data.length === 2 && r.data[0].embedding.length > 1 && typeof r.data[0].embedding[0] === 'number', `vectors ${JSON.stringify(r).slice(0, 100)}`);
});
s.case('responses', async () => {
  let r;
  try { r = await client.responses.create({ model: MODEL, input: 'Say hello.', max_output_tokens: 40 }); } catch (why) {
    optional('responses', [404, 405, 501].includes(why.status), `no /v1/responses: HTTP ${why.status}`);
    throw why;
  }
  check(r.output_text, 'no text');
});
s.case('model that is not there: 404', async () => {
  const why = await rejects(() => chat({ model: NO_MODEL }));
  check(why instanceof OpenAI.NotFoundError, `${why.name} HTTP ${why.status}: ${why.message?.slice(0, 120)}`);
});
s.case('bad key: 401', async () => {
  const bad = new OpenAI({ baseURL: V1, apiKey: 'sk-wrong-0000', maxRetries: 0 });
  const why = await rejects(() => bad.chat.completions.create({ model: MODEL, messages: ASK }));
  check(why instanceof OpenAI.AuthenticationError, `${why.name} HTTP ${why.status}: ${why.message?.slice(0, 120)}`);
});
s.case('cancel in mid stream', async () => {
  const stream = await chat({ stream: true, max_tokens: LONG_TOKENS });
  let n = 0;
  for await (const _ of stream) if (++n === 3) { stream.controller.abort(); break; }
  const began = Date.now();
  check((await chat({ max_tokens: 5 })).choices, 'no answer');
  check(Date.now() - began < 10_000, 'the next call waited for the cancelled one');
});
s.case('timeout, then fine', async () => {
  const why = await rejects(() => chat({ max_tokens: 200 }, { timeout: 1 }));
  check(why instanceof OpenAI.APIConnectionTimeoutError, why.name);
  check((await chat({ max_tokens: 5 })).choices, 'no answer after a timeout');
});
s.case('16 at once', async () => {
  const all = await Promise.all(Array.from({ length: 16 }, () => chat({ max_tokens: 10 })));
  check(new Set(all.map((r) => r.id)).size === 16, 'ids repeat');
});
await s.run();
