// Case runner and settings of the Node scripts: as cases.py.
const env = (name, fallback = '') => process.env[name] ?? fallback;

export const BASE = env('AGON_BASE_URL').replace(/\/+$/, '');
export const V1 = BASE + '/v1';
export const KEY = env('AGON_API_KEY');
export const MODEL = env('AGON_MODEL');
export const EMBED = env('AGON_EMBED_MODEL');
export const TOOLS = env('AGON_TOOLS', 'yes') !== 'no';
export const SCHEMA = env('AGON_JSON_SCHEMA', 'yes') !== 'no';
export const REQUIRED = new Set(env('AGON_REQUIRE').split(/[,\s]+/).filter(Boolean));
const ONLY = new Set(env('AGON_ONLY').split(';').filter(Boolean));
export const NO_MODEL = 'no-such-model-7f3a';
export const LONG_TOKENS = Number(env('AGON_LONG_TOKENS', '1500'));

export const WEATHER = {
  name: 'get_weather',
  description: 'Current weather of a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Berlin', 'Paris', 'Lima'] }, days: { type: 'integer', enum: [1, 2, 3] } },
    required: ['city', 'days'],
    additionalProperties: false,
  },
};
export const VERDICT = {
  type: 'object',
  properties: { winner: { type: 'string', enum: ['a', 'b'] }, points: { type: 'integer', enum: [1, 2, 3] }, sure: { type: 'boolean' } },
  required: ['winner', 'points', 'sure'],
  additionalProperties: false,
};

export class Skip extends Error {}
export class Wrong extends Error {}
export const check = (truth, why) => { if (!truth) throw new Wrong(why); };
export const need = (truth, why) => { if (!truth) throw new Skip(why); };
export const optional = (name, missing, why) => { if (missing) throw REQUIRED.has(name) ? new Wrong(why) : new Skip(why); };
export const checkWeather = (a) => check(['Berlin', 'Paris', 'Lima'].includes(a?.city), `tool arguments ${JSON.stringify(a)}`);
export const checkVerdict = (v) => check(['a', 'b'].includes(v?.winner) && [1, 2, 3].includes(v?.points) && typeof v?.sure === 'boolean', `not in the schema: ${JSON.stringify(v)}`);
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Runs fn, which must reject; returns the error.
export async function rejects(fn) {
  let value;
  try { value = await fn(); } catch (why) {
    if (why instanceof Skip || why instanceof Wrong) throw why;
    return why;
  }
  throw new Wrong(`no error; got ${JSON.stringify(value)?.slice(0, 120)}`);
}

export function suite(client, version) {
  const cases = [];
  const name = `${client}[${MODEL}]`;
  console.log(`# ${name} ${version}`);
  return {
    case: (title, fn) => cases.push([title, fn]),
    async run() {
      let failed = 0;
      for (const [title, fn] of cases) {
        const full = `${name}: ${title}`;
        if (ONLY.size && !ONLY.has(title)) continue;
        let timer;
        const late = new Promise((_, no) => { timer = setTimeout(() => no(new Wrong('no end within 60 s')), 60_000); });
        try {
          const note = await Promise.race([fn(), late]);
          console.log(`PASS ${full}${note ? ` (${note})` : ''}`);
        } catch (why) {
          if (why instanceof Skip) console.log(`SKIP ${full}: ${why.message}`);
          else {
            failed++;
            const text = String(why?.message ?? why).replace(/\s+/g, ' ').slice(0, 240);
            console.log(`FAIL ${full}: ${why instanceof Wrong ? '' : `${why?.name ?? 'Error'}: `}${text}`);
          }
        } finally { clearTimeout(timer); }
      }
      process.exit(failed ? 3 : 0);
    },
  };
}

export async function version(pkg) {
  const { createRequire } = await import('node:module');
  const { readFileSync } = await import('node:fs');
  const { dirname, join } = await import('node:path');
  let folder = dirname(createRequire(import.meta.url).resolve(pkg));
  for (;;) {
    try {
      const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (found.name === pkg) return found.version;
    } catch { /* one level up */ }
    const up = dirname(folder);
    if (up === folder) return '?';
    folder = up;
  }
}
