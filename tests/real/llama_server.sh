#!/usr/bin/env bash
# A real llama.cpp server with a tiny random model, for tests that want a real upstream on this machine.
#
#   llama_server.sh build          builds the server and writes the model, once; says where they are
#   llama_server.sh ready          succeeds when they are there, so that the next two need not build
#   llama_server.sh run [PORT]     becomes the server; it says "listening on http://127.0.0.1:PORT" when it is ready
#   llama_server.sh start [PORT]   starts it in the background and prints {"base","pid","model","key","log"}
#
# PORT 0, which is the default, takes a free one. It speaks OpenAI's chat, responses and embeddings and Anthropic's
# messages; the key is sk-local, the model agon-tiny.
#
# Environment:
#   AGON_REAL_CACHE   where the server and the model are kept        ($HOME/.cache/agon-real; 20 MB)
#   AGON_REAL_LLAMA   a llama-server of your own, instead of a built one
#   JOBS              compilers at a time                            (as many as there are cores)
#
# Building needs python3 with venv, a C++17 compiler, and 1 GB of disk until it is done.
set -euo pipefail

version=0.3.36 # of llama-cpp-python, whose source archive holds all of llama.cpp
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
here=$(cd "$(dirname "$0")" && pwd)
cache=${AGON_REAL_CACHE:-$HOME/.cache/agon-real}
work=$cache/work
venv=$work/venv
server=${AGON_REAL_LLAMA:-$cache/llama-server-$version}
model=$cache/agon-tiny-$(cksum < "$here/make_tiny_gguf.py" | cut -d' ' -f1).gguf
key=sk-local
name=agon-tiny

say() { echo "llama_server.sh: $*" >&2; }

# Runs a command with its output in a log; shows the log's end when it fails.
logged() {
    local log=$work/$1.log
    shift
    "$@" > "$log" 2>&1 || { tail -30 "$log" >&2; say "failed: $1; the whole log is $log"; return 1; }
}

make_venv() {
    [ -e "$venv/ready" ] && return
    say "fetching the tools: cmake, ninja, gguf"
    rm -rf "$venv"
    logged venv python3 -m venv "$venv"
    logged pip "$venv/bin/pip" install --disable-pip-version-check 'cmake>=3.28,<5' 'ninja>=1.11' 'gguf==0.19.0' 'numpy>=1.26'
    touch "$venv/ready"
}

fetch_source() {
    local archive=$work/llama_cpp_python-$version.tar.gz
    [ -e "$work/source/ready" ] && return
    say "fetching the sources of llama.cpp (77 MB)"
    # --no-binary for this one package: what builds its metadata shall come as wheels.
    logged download "$venv/bin/pip" download --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
        --dest "$work" "llama-cpp-python==$version"
    "$venv/bin/python" - "$archive" "$sha256" << 'PYTHON'
import hashlib, sys
path, expected = sys.argv[1:]
found = hashlib.sha256(open(path, "rb").read()).hexdigest()
if found != expected:
    sys.exit(f"{path} has the checksum {found}, not {expected}: it is not the archive that was reviewed")
PYTHON
    rm -rf "$work/source"
    mkdir "$work/source"
    tar -xzf "$archive" -C "$work/source" --strip-components 3 "llama_cpp_python-$version/vendor/llama.cpp"
    touch "$work/source/ready"
}

build_server() {
    local began=$SECONDS
    make_venv
    fetch_source
    say "building llama-server: about three minutes on two cores, this once"
    # GGML_NATIVE off: the cache may be carried to another machine. GGML_OPENMP off: its idle threads spin, which is
    # felt on two cores. LLAMAFILE and CPU_REPACK are kernels for large models. The web UI would be downloaded.
    logged configure "$venv/bin/cmake" -S "$work/source" -B "$work/build" -G Ninja \
        -DCMAKE_MAKE_PROGRAM="$venv/bin/ninja" -DCMAKE_PROJECT_INCLUDE="$here/quick_build.cmake" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O0 -DNDEBUG" -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG" \
        -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DGGML_LLAMAFILE=OFF -DGGML_CPU_REPACK=OFF \
        -DGGML_METAL=OFF -DGGML_BLAS=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_SUBPROCESS=OFF -DLLAMA_ALL_WARNINGS=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON \
        -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
        -DLLAMA_BUILD_NUMBER=0 -DLLAMA_BUILD_COMMIT="$version"
    logged build "$venv/bin/cmake" --build "$work/build" -j "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" --target llama-server
    strip -o "$server.new" "$work/build/bin/llama-server"
    mv "$server.new" "$server"
    say "built llama-server in $((SECONDS - began)) s"
}

write_model() {
    make_venv
    rm -f "$cache"/agon-tiny-*.gguf
    logged model "$venv/bin/python" "$here/make_tiny_gguf.py" --name "$name" "$model.new"
    mv "$model.new" "$model"
}

build() {
    mkdir -p "$work"
    if command -v flock > /dev/null; then
        exec 9> "$cache/lock"
        flock 9
    fi
    if [ ! -x "$server" ]; then
        if [ -n "${AGON_REAL_LLAMA:-}" ]; then
            say "AGON_REAL_LLAMA=$server cannot be run"
            exit 1
        fi
        build_server
    fi
    [ -e "$model" ] || write_model
    # Tools, sources and objects are 1 GB that nobody needs again.
    rm -rf "$work"
    exec 9>&-
}

# The last command of this shell: signals meant for it reach the server itself.
run() {
    exec "$server" --model "$model" --alias "$name" --api-key "$key" --host 127.0.0.1 --port "$1" \
        --ctx-size 16384 --parallel 4 --threads 1 --jinja --embeddings --pooling mean --no-webui
}

start() {
    local log base pid
    log=$(mktemp "${TMPDIR:-/tmp}/llama-server.XXXXXX")
    run "$1" > "$log" 2>&1 < /dev/null &
    pid=$!
    for _ in $(seq 300); do
        base=$(grep -o 'listening on http://[0-9.:]*' "$log" | cut -d' ' -f3 || true)
        if [ -n "$base" ]; then
            echo "{\"base\":\"$base\",\"pid\":$pid,\"model\":\"$name\",\"key\":\"$key\",\"log\":\"$log\"}"
            return
        fi
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.2
    done
    tail -20 "$log" >&2
    say "the server did not start; the whole log is $log"
    kill "$pid" 2> /dev/null || true
    exit 1
}

case ${1:-} in
    build)
        build
        echo "$server $model"
        ;;
    ready) [ -x "$server" ] && [ -e "$model" ] ;;
    run)
        build
        run "${2:-0}"
        ;;
    start)
        build
        start "${2:-0}"
        ;;
    *) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
