// Vercel AI SDK with @ai-sdk/openai-compatible through the gateway.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, embedMany, generateText, jsonSchema, streamText, tool } from 'ai';
import { EMBED, KEY, LONG_TOKENS, MODEL, NO_MODEL, SCHEMA, TOOLS, V1, VERDICT, WEATHER, check, checkVerdict, checkWeather, need, rejects, suite,
  version } from './cases.mjs';

const s = suite('js-ai-sdk', `${await version('ai')} + openai-compatible ${await version('@ai-sdk/openai-compatible')}`);
const peer = (apiKey = KEY) => createOpenAICompatible({ name: 'agon', baseURL: V1, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const agon = peer();
const ask = { prompt: 'Say hello to the world.', maxRetries: 0, maxOutputTokens: 40 };
const quiet = { onError: () => {} };

s.case('chat', async () => {
  const r = await generateText({ model: agon(MODEL), ...ask });
  check(r.text, 'no text');
  check(['stop', 'length'].includes(r.finishReason), `finishReason ${r.finishReason}`);
  check(r.usage.inputTokens > 0, `usage ${JSON.stringify(r.usage)}`);
});
s.case('stream', async () => {
  const run = streamText({ model: agon(MODEL), ...ask, ...quiet });
  let text = '', n = 0;
  for await (const part of run.textStream) { text += part; n++; }
  check(text, 'no text');
  check(['stop', 'length'].includes(await run.finishReason), `finishReason ${await run.finishReason}`);
  check((await run.usage).inputTokens > 0, `usage ${JSON.stringify(await run.usage)}`);
  return `${n} parts`;
});
s.case('tools', async () => {
  need(TOOLS, 'model without tools (AGON_TOOLS=no)');
  const r = await generateText({ model: agon(MODEL), ...ask, maxOutputTokens: 600, toolChoice: 'required',
    tools: { get_weather: tool({ description: WEATHER.description, inputSchema: jsonSchema(WEATHER.parameters) }) } });
  check(r.toolCalls.length, `no tool call, text ${r.text.slice(0, 80)}`);
  checkWeather(r.toolCalls[0].input);
});
s.case('JSON schema', async () => {
  need(SCHEMA, 'model without JSON schema (AGON_JSON_SCHEMA=no)');
  const r = await generateText({ model: agon(MODEL), ...ask, maxOutputTokens: 200, output: Output.object({ schema: jsonSchema(VERDICT) }) });
  checkVerdict(r.output);
});
s.case('embeddings', async () => {
  need(EMBED, 'no AGON_EMBED_MODEL');
  const r = await embedMany({ model: agon.embeddingModel(EMBED), values: ['the sun', 'the sea'], maxRetries: 0 });
  check(r.embeddings.length === 2 && r.embeddings[0].length > 1, 'vectors');
});
s.case('model that is not there: 404', async () => {
  const why = await rejects(() => generateText({ model: agon(NO_MODEL), ...ask }));
  check(APICallError.isInstance(why) && why.statusCode === 404, `${why.name} HTTP ${why.statusCode}: ${why.message?.slice(0, 120)}`);
});
s.case('bad key: 401', async () => {
  const why = await rejects(() => generateText({ model: peer('sk-wrong-0000')(MODEL), ...ask }));
  check(APICallError.isInstance(why) && why.statusCode === 401, `${why.name} HTTP ${why.statusCode}: ${why.message?.slice(0, 120)}`);
});
s.case('cancel in mid stream', async () => {
  const stop = new AbortController();
  const run = streamText({ model: agon(MODEL), ...ask, maxOutputTokens: LONG_TOKENS, abortSignal: stop.signal, ...quiet });
  let n = 0;
  try { for await (const _ of run.textStream) if (++n === 3) { stop.abort(); break; } } catch { /* the abort */ }
  const began = Date.now();
  await generateText({ model: agon(MODEL), ...ask, maxOutputTokens: 5 });
  check(Date.now() - began < 10_000, 'the next call waited for the cancelled one');
});
s.case('timeout, then fine', async () => {
  const why = await rejects(() => generateText({ model: agon(MODEL), ...ask, maxOutputTokens: 200, abortSignal: AbortSignal.timeout(1) }));
  check(/Timeout|Abort/.test(why.name), why.name);
  check(await generateText({ model: agon(MODEL), ...ask, maxOutputTokens: 5 }), 'no answer after a timeout');
});
await s.run();
