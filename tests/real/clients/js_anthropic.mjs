// The Anthropic Node SDK (Messages API) through the gateway.
import Anthropic from '@anthropic-ai/sdk';
import { BASE, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, VERDICT, WEATHER, check, checkVerdict, checkWeather, need, optional, rejects, suite,
  version } from './cases.mjs';

const s = suite('js-anthropic', await version('@anthropic-ai/sdk'));
const client = new Anthropic({ baseURL: BASE, apiKey: KEY, maxRetries: 0, timeout: 30_000 });
const ASK = [{ role: 'user', content: 'Say hello to the world.' }];
const TOOL = { name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.parameters };
const create = (more, options) => client.messages.create({ model: MODEL, messages: ASK, max_tokens: 40, ...more }, options);
const textOf = (m) => m.content.filter((b) => b.type === 'text').map((b) => b.text).join('');

s.case('list models', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  check(ids.includes(MODEL), `${MODEL} not in ${ids.slice(0, 10)}`);
});
s.case('chat', async () => {
  const m = await create();
  check(m.type === 'message' && textOf(m), `message ${JSON.stringify(m).slice(0, 120)}`);
  check(['end_turn', 'max_tokens'].includes(m.stop_reason), `stop_reason ${m.stop_reason}`);
  check(m.usage?.output_tokens >= 0, 'no usage');
});
s.case('stream', async () => {
  const kinds = [];
  const run = client.messages.stream({ model: MODEL, messages: ASK, max_tokens: 40 });
  for await (const e of run) kinds.push(e.type);
  const m = await run.finalMessage();
  check(kinds[0] === 'message_start' && kinds.at(-1) === 'message_stop', `events ${kinds.slice(0, 2)}…${kinds.slice(-2)}`);
  check(textOf(m) && m.stop_reason, 'no text or stop_reason');
  return `${kinds.length} events`;
});
s.case('tools', async () => {
  need(TOOLS, 'model without tools (AGON_TOOLS=no)');
  const m = await create({ tools: [TOOL], tool_choice: { type: 'any', disable_parallel_tool_use: true }, max_tokens: 600 });
  const use = m.content.find((b) => b.type === 'tool_use');
  check(use, `no tool_use, content ${JSON.stringify(m.content).slice(0, 100)}`);
  checkWeather(use.input);
  check(m.stop_reason === 'tool_use', `stop_reason ${m.stop_reason}`);
});
s.case('JSON schema', async () => {
  need(SCHEMA, 'model without JSON schema (AGON_JSON_SCHEMA=no)');
  const text = textOf(await create({ output_config: { format: { type: 'json_schema', schema: VERDICT } }, max_tokens: 200 }));
  let value;
  try { value = JSON.parse(text); } catch { check(false, `not JSON: ${text.slice(0, 80)}`); }
  checkVerdict(value);
});
s.case('count tokens', async () => {
  try { check((await client.messages.countTokens({ model: MODEL, messages: ASK })).input_tokens > 0, 'no count'); } catch (why) {
    optional('count_tokens', [404, 405, 501].includes(why.status), `no /v1/messages/count_tokens: HTTP ${why.status}`);
    throw why;
  }
});
s.case('model that is not there: 404', async () => {
  const why = await rejects(() => create({ model: NO_MODEL }));
  check(why instanceof Anthropic.NotFoundError, `${why.name} HTTP ${why.status}: ${why.message?.slice(0, 120)}`);
});
s.case('bad key: 401', async () => {
  const bad = new Anthropic({ baseURL: BASE, apiKey: 'sk-wrong-0000', maxRetries: 0 });
  const why = await rejects(() => bad.messages.create({ model: MODEL, messages: ASK, max_tokens: 5 }));
  check(why instanceof Anthropic.AuthenticationError, `${why.name} HTTP ${why.status}: ${why.message?.slice(0, 120)}`);
});
s.case('cancel in mid stream', async () => {
  const run = client.messages.stream({ model: MODEL, messages: ASK, max_tokens: LONG_TOKENS });
  let n = 0;
  try { for await (const _ of run) if (++n === 5) { run.abort(); break; } } catch (why) { if (!(why instanceof Anthropic.APIUserAbortError)) throw why; }
  await run.done().catch(() => {});
  const began = Date.now();
  check((await create({ max_tokens: 5 })).role === 'assistant', 'no answer');
  check(Date.now() - began < 10_000, 'the next call waited for the cancelled one');
});
s.case('timeout, then fine', async () => {
  const why = await rejects(() => create({ max_tokens: 200 }, { timeout: 1 }));
  check(why instanceof Anthropic.APIConnectionTimeoutError, why.name);
  check((await create({ max_tokens: 5 })).role === 'assistant', 'no answer after a timeout');
});
await s.run();
