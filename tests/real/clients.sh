#!/usr/bin/env bash
# Real SDK clients against the real program, whose upstream is a real llama.cpp server: what users have, unmodified.
#
#   clients.sh install       fetches the clients, once; fails when they cannot be had
#   clients.sh run AGON      starts both servers, runs every client against the binary AGON, prints a line per case and
#                            a table; exits 1 when a case fails that is not in the list of known exceptions below
#
# Environment:
#   AGON_REAL_CACHE       where clients and model server are kept          ($HOME/.cache/agon-real; clients: 400 MB)
#   AGON_CLIENTS_ONLY     a pattern: only the runs below that it fits, such as 'py_*' or '* tiny'
#
# Installing needs python3 with venv, node 18 or newer, npm and the network.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${AGON_REAL_CACHE:-$HOME/.cache/agon-real}/clients
asked=$(cat "$here"/clients/requirements*.txt "$here/clients/package.json" | cksum | cut -d' ' -f1)
home=$cache/$asked
key=sk-clients-0123456789

# Cases that fail through no fault of ours: NAME, a bar, the reason.
known_exceptions() {
    cat << 'LIST'
py-anthropic[tiny]: stop sequence | OpenAI's wire says "stop" and not which sequence was hit
py-anthropic[tiny-messages]: stop sequence | llama-server says end_turn for a hit stop sequence, and is passed on as it is
py-anthropic[tiny-messages]: JSON schema | llama-server (0.3.36) copies temperature, top_p, top_k, stop and thinking of a message, and not output_config.format, which it gets
py-openai[tiny-messages]: JSON schema | llama-server (0.3.36) copies temperature, top_p, top_k, stop and thinking of a message, and not output_config.format, which it gets
js-ai-sdk[tiny-messages]: JSON schema | llama-server (0.3.36) copies temperature, top_p, top_k, stop and thinking of a message, and not output_config.format, which it gets
LIST
}

# What runs: script, model, titles of the cases with ; between them (none: all).
runs() {
    cat << 'LIST'
py_openai tiny
py_anthropic tiny
py_litellm tiny
py_langchain tiny
py_ollama tiny
js_openai tiny
js_ai_sdk tiny
js_anthropic tiny
py_openai tiny-messages
py_anthropic tiny-messages
js_ai_sdk tiny-messages
py_openai dead chat;stream;tools, stream;responses, stream;headers of LiteLLM;16 at once
py_anthropic dead chat;stream
py_openai canned list models;chat;stream;cancel in mid stream;16 at once
py_anthropic canned chat;stream
py_ollama canned list models;chat;stream
py_openai breaking a stream that breaks is an error
py_anthropic breaking a stream that breaks is an error
LIST
}

# A settings file as LiteLLM's users have it. Nobody listens on port 1.
settings() { # upstream's address
    cat << YAML
model_list:
  - model_name: tiny
    litellm_params: {model: openai/agon-tiny, api_base: $1/v1, api_key: sk-local}
  - model_name: tiny-embed
    litellm_params: {model: openai/agon-tiny, api_base: $1/v1, api_key: sk-local}
    model_info: {mode: embedding}
  - model_name: tiny-messages
    litellm_params: {model: anthropic/agon-tiny, api_base: $1, api_key: sk-local}
  - model_name: dead
    litellm_params: {model: openai/agon-tiny, api_base: "http://127.0.0.1:1/v1", api_key: sk-local}
  - model_name: canned
    litellm_params: {model: demo/optimist}
  - model_name: breaking
    litellm_params: {model: demo/flaky}
litellm_settings:
  drop_params: true
  request_timeout: 60
router_settings:
  num_retries: 1
  retry_after: 0
  fallbacks: [{dead: [tiny]}]
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
YAML
}

say() { echo "clients.sh: $*" >&2; }

make_venv() { # name requirements
    python3 -m venv "$1" && "$1/bin/pip" install -q --disable-pip-version-check -U 'pip>=24' \
        && "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
}

# Side by side: most of the time is waiting. A folder is made under the name it keeps (an environment of Python holds
# its own path) and counts when `ready` is in it.
install() {
    local job failed=0 jobs=()
    mkdir -p "$cache"
    if command -v flock > /dev/null; then
        exec 9> "$cache/lock"
        flock 9
    fi
    if [ -e "$home/ready" ]; then
        exec 9>&- # or the servers would inherit the lock
        return
    fi
    if ! command -v npm > /dev/null || ! command -v node > /dev/null || ! python3 -c 'import ensurepip, venv' 2> /dev/null; then
        say "python3 with venv, node and npm are needed"
        return 1
    fi
    say "fetching the clients: about a minute, this once"
    rm -rf "${cache:?}"/[0-9]*
    mkdir "$home"
    make_venv "$home/main" "$here/clients/requirements.txt" &
    jobs+=($!)
    make_venv "$home/litellm" "$here/clients/requirements-litellm.txt" &
    jobs+=($!)
    cp "$here/clients/package.json" "$home/"
    (cd "$home" && npm install --no-audit --no-fund --no-package-lock --loglevel=error > /dev/null) &
    jobs+=($!)
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    if [ $failed = 1 ]; then
        rm -rf "$home"
        say "the clients could not be fetched"
        return 1
    fi
    touch "$home/ready"
    exec 9>&-
}

# Waits for the line that a server prints when it is ready, in its log; prints the address.
address() { # pid log
    local base
    for _ in $(seq 150); do
        base=$(grep -o 'listening on http://[0-9.:]*' "$2" | cut -d' ' -f3 || true)
        [ -n "$base" ] && echo "$base" && return
        kill -0 "$1" 2> /dev/null || break
        sleep 0.2
    done
    tail -20 "$2" >&2
    say "a server did not start"
    return 1
}

servers=()
work=
finish() {
    local pid
    for pid in "${servers[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait
    [ -z "$work" ] || rm -rf "$work"
}

# One script against one model, with nothing of the tester's own environment: a proxy or a key in it would change what
# the SDKs do.
client() { # script model titles
    local command
    case $1 in
        py_litellm) command=("$home/litellm/bin/python" "$here/clients/$1.py") ;;
        py_*) command=("$home/main/bin/python" "$here/clients/$1.py") ;;
        js_*) command=(node "$work/js/$1.mjs") ;;
    esac
    env -i PATH="$PATH" HOME="$work" PYTHONDONTWRITEBYTECODE=1 AGON_BASE_URL="$base" AGON_API_KEY="$key" \
        AGON_MODEL="$2" AGON_EMBED_MODEL=tiny-embed AGON_ONLY="$3" AGON_REQUIRE=responses,ollama,count_tokens \
        timeout 120 "${command[@]}"
}

run() { # agon
    local agon base upstream script model titles status broken=0 began=$SECONDS
    [ -x "$1" ] || { say "$1 cannot be run"; exit 2; }
    agon=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
    install
    "$here/llama_server.sh" ready || { say "there is no model server: llama_server.sh build"; exit 2; }
    work=$(mktemp -d "${TMPDIR:-/tmp}/agon-clients.XXXXXX")
    trap finish EXIT
    trap 'exit 130' INT TERM
    # Node looks for packages beside the real path of a script.
    mkdir "$work/js"
    cp "$here"/clients/*.mjs "$work/js/"
    ln -s "$home/node_modules" "$work/js/node_modules"

    "$here/llama_server.sh" run > "$work/llama.log" 2>&1 < /dev/null &
    servers+=($!)
    upstream=$(address $! "$work/llama.log")
    settings "$upstream" > "$work/config.yaml"
    (cd "$work" && exec env -i PATH="$PATH" HOME="$work" LITELLM_MASTER_KEY="$key" AGON_DEMO_PACE=fast \
        "$agon" --config config.yaml --port 0) > "$work/agon.log" 2>&1 < /dev/null &
    servers+=($!)
    base=$(address $! "$work/agon.log")

    while read -r script model titles; do
        # shellcheck disable=SC2053 # a pattern is meant
        [[ "$script $model" == ${AGON_CLIENTS_ONLY:-*} ]] || continue
        status=0
        client "$script" "$model" "$titles" < /dev/null 2> "$work/stderr" || status=$?
        case $status in
            0 | 3) ;;
            *)
                tail -20 "$work/stderr" >&2
                echo "FAIL ${script//_/-}[$model]: the script broke with status $status"
                ;;
        esac
    done < <(runs) | tee "$work/lines"
    kill -0 "${servers[1]}" 2> /dev/null || echo "FAIL agon: ended before it was asked to" | tee -a "$work/lines"
    judge "$work/lines" "$((SECONDS - began))"
}

# The table, the unexpected failures, and whether there are any.
judge() { # lines seconds
    known_exceptions > "$work/known"
    awk -v seconds="$2" '
        FILENAME == ARGV[1] { split($0, half, " *[|] *"); known[half[1]] = half[2]; next }
        !/^(PASS|FAIL|SKIP) / { next }
        {
            name = substr($0, 6)
            run = name; sub(/:.*/, "", run)
            if (!(run in seen)) { seen[run] = 1; order[++n] = run }
            kind = $1
            for (k in known) if (name == k || index(name, k ": ") == 1 || index(name, k " (") == 1) {
                if (kind == "FAIL") { kind = "KNOWN"; reason[k] = known[k] }
                else if (kind == "PASS") stale[k] = 1
            }
            if (kind == "FAIL") bad[++failures] = $0
            count[run, kind]++; total[kind]++
        }
        END {
            printf "\n%-30s %5s %5s %5s %5s\n", "client[model]", "pass", "fail", "known", "skip"
            for (i = 1; i <= n; i++) row(order[i], count[order[i], "PASS"], count[order[i], "FAIL"], count[order[i], "KNOWN"], count[order[i], "SKIP"])
            row("total, in " seconds " s", total["PASS"], total["FAIL"], total["KNOWN"], total["SKIP"])
            for (k in reason) print "known: " k ": " reason[k]
            for (k in stale) print "passes and is listed as a known exception: " k
            for (i = 1; i <= failures; i++) print "unexpected: " bad[i]
            if (!total["PASS"]) print "nothing passed"
            exit failures > 0 || !total["PASS"]
        }
        function row(a, b, c, d, e) { printf "%-30s %5d %5d %5d %5d\n", a, b, c, d, e }
    ' "$work/known" "$1"
}

case ${1:-} in
    install) install ;;
    run) run "${2:?the binary of agon}" ;;
    *) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
