#!/usr/bin/env python3
"""Write a tiny llama-architecture GGUF with seeded random weights.

What the model says is meaningless (common English words in random order); what it does is real: prompt processing,
token streaming, stop strings, max_tokens, usage, grammar-constrained JSON, tool calls, embeddings. It has a
SentencePiece-like vocabulary with byte fallback, a chat template and an end-of-turn token.

How random weights are kept presentable: dimension 0 of the residual stream holds the same constant for every token
and no layer writes to it, so column 0 of the output matrix acts as a bias per token. Whole words get the highest,
punctuation less, the end of the turn just enough for an answer of a few dozen tokens, fragments and raw bytes
practically none.

Needs gguf and numpy.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import numpy as np
from gguf import GGUFWriter, TokenType

SEED = 11
EMBEDDING = 128
LAYERS = 2
HEADS = 4
KV_HEADS = 2
FEED_FORWARD = 256
CONTEXT = 8192
HEAD = EMBEDDING // HEADS
KV = HEAD * KV_HEADS

NEVER = -30.0
CONSTANT = 4.0  # of dimension 0

WORDS = """
the of and to in is that it for as was with be by on not he this are or his from at which but have an had they you were
their one all we can her has there been if more when will would who so no out up into do any your what about them then
she some could time these two may first like now people my made over did down only way find use water long little very
after words called just where most know get through back much before go good new write our me man too day same right
look think also around another came come work three must because does part even place well such here take why things
help put years different away again off went old number great tell men say small every found still between name should
home big give air line set own under read last never us left end along while might next sound below saw something
thought both few those always show large often together asked house world going want school important until form food
keep children feet land side without boy once animals life enough took sometimes four head above kind began almost live
page got earth need far hand high year mother light country father let night picture being study second soon story
since white ever paper hard near sentence better best across during today however sure knew try told young sun thing
whole hear example heard several change answer room sea against top turned learn point city play toward five himself
usually money seen car morning cup debate claim reason evidence judge round model token stream agree perhaps therefore
""".split()

# ChatML turns; tools as JSON lines; calls between <tool_call> tags. No "-" in the tags: it would eat the line ends.
CHAT_TEMPLATE = (
    "{% if tools %}<|im_start|>system\nTools, one JSON object per line:\n"
    "{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}"
    "Call one by answering <tool_call>{\"name\": ..., \"arguments\": {...}}</tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}"
    "{% elif m.content %}{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>{\"name\": {{ c.function.name | tojson }}, \"arguments\": "
    "{% if c.function.arguments is string %}{{ c.function.arguments }}{% else %}{{ c.function.arguments | tojson }}{% endif %}}</tool_call>"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

SPACE = "\u2581"  # SentencePiece writes a word boundary as this character



@dataclass
class Vocabulary:
    """Pieces with their scores, types, and the bias of each in the output."""

    pieces: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    bias: list[float] = field(default_factory=list)
    normal_pieces: set[str] = field(default_factory=set)

    def add(self, piece: str, bias: float, kind: TokenType, score: float = 0.0) -> None:
        self.pieces.append(piece)
        self.scores.append(score)
        self.types.append(int(kind))
        self.bias.append(bias)

    def add_normal(self, piece: str, bias: float) -> None:
        """Adds a piece of text; the earlier it comes, the sooner it is merged."""
        if piece not in self.normal_pieces:
            self.normal_pieces.add(piece)
            self.add(piece, bias, TokenType.NORMAL, score=-float(len(self.normal_pieces)))

    def index(self, piece: str) -> int:
        return self.pieces.index(piece)


def vocabulary() -> Vocabulary:
    v = Vocabulary()
    v.add("<unk>", NEVER, TokenType.UNKNOWN)
    v.add("<s>", NEVER, TokenType.CONTROL)
    v.add("</s>", NEVER, TokenType.CONTROL)
    for byte in range(256):
        v.add(f"<0x{byte:02X}>", NEVER, TokenType.BYTE)
    v.add("<|im_start|>", NEVER, TokenType.CONTROL)
    v.add("<|im_end|>", 1.0, TokenType.CONTROL)
    # Likely enough that a forced tool call begins soon; as a control token it is invisible in plain text.
    v.add("<tool_call>", 1.8, TokenType.CONTROL)
    v.add("</tool_call>", -3.0, TokenType.CONTROL)
    words = sorted(set(WORDS), key=lambda word: (-len(word), word))
    for word in words:
        v.add_normal(SPACE + word, 0.0)
    for word in words:
        for cut in range(len(word) - 1, 0, -1):
            v.add_normal(SPACE + word[:cut], 0.0 if word[:cut] in words else -12.0)
    for piece in (".", ",", "?", "!"):
        v.add_normal(piece, 2.0)
    v.add_normal('"', 3.5)  # strings end soon where a grammar asks for JSON
    v.add_normal("}", -3.0)
    v.add_normal(SPACE, -9.0)
    for code in range(0x21, 0x7F):
        v.add_normal(chr(code), -9.0)
    return v


def add_metadata(w: GGUFWriter, name: str, v: Vocabulary) -> None:
    w.add_name(name)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(EMBEDDING)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(FEED_FORWARD)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV_HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(HEAD)
    w.add_rope_freq_base(10000.0)
    w.add_vocab_size(len(v.pieces))
    w.add_file_type(0)
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(v.pieces)
    w.add_token_scores(v.scores)
    w.add_token_types(v.types)
    w.add_bos_token_id(v.index("<s>"))
    w.add_eos_token_id(v.index("<|im_end|>"))
    w.add_unk_token_id(v.index("<unk>"))
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    # The server feeds "<|im_start|>assistant" to the grammar: a space put before it would break tools and JSON.
    w.add_add_space_prefix(False)
    w.add_chat_template(CHAT_TEMPLATE)


def add_weights(w: GGUFWriter, v: Vocabulary, rng: np.random.Generator) -> None:
    def rand(rows: int, columns: int, scale: float) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)

    def keeping_constant(weights: np.ndarray) -> np.ndarray:
        weights[0, :] = 0.0
        return weights

    embedding = rand(len(v.pieces), EMBEDDING, 1.0)
    embedding[:, 0] = CONSTANT
    w.add_tensor("token_embd.weight", embedding)
    # Column 0 of a layer's norm hides the constant from the layer itself.
    norm = np.ones(EMBEDDING, dtype=np.float32)
    norm[0] = 0.0
    wide, narrow = FEED_FORWARD**-0.5, EMBEDDING**-0.5
    for layer in range(LAYERS):
        p = f"blk.{layer}."
        w.add_tensor(p + "attn_norm.weight", norm.copy())
        w.add_tensor(p + "attn_q.weight", rand(EMBEDDING, EMBEDDING, narrow))
        w.add_tensor(p + "attn_k.weight", rand(KV, EMBEDDING, narrow))
        w.add_tensor(p + "attn_v.weight", rand(KV, EMBEDDING, narrow))
        w.add_tensor(p + "attn_output.weight", keeping_constant(rand(EMBEDDING, EMBEDDING, narrow)))
        w.add_tensor(p + "ffn_norm.weight", norm.copy())
        w.add_tensor(p + "ffn_gate.weight", rand(FEED_FORWARD, EMBEDDING, narrow))
        w.add_tensor(p + "ffn_up.weight", rand(FEED_FORWARD, EMBEDDING, narrow))
        w.add_tensor(p + "ffn_down.weight", keeping_constant(rand(EMBEDDING, FEED_FORWARD, wide)))
    w.add_tensor("output_norm.weight", np.ones(EMBEDDING, dtype=np.float32))
    # Logits with a spread of 2: low temperatures still wander.
    output = rand(len(v.pieces), EMBEDDING, 2.0 * narrow)
    # Behind the last norm the constant is CONSTANT / rms(h), and rms(h) is about 1.7 here.
    output[:, 0] = np.array(v.bias, dtype=np.float32) / np.float32(CONSTANT / 1.7)
    # Two habits, so that grammars come to an end: </tool_call> follows "}", and the end of the turn follows that.
    for follower, before in (("</tool_call>", "}"), ("<|im_end|>", "</tool_call>")):
        output[v.index(follower), 1:] += 18.0 / EMBEDDING * embedding[v.index(before), 1:]
    w.add_tensor("output.weight", output)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", help="the file to write")
    arguments.add_argument("--name", default="agon-tiny", help="the model's name")
    options = arguments.parse_args()
    v = vocabulary()
    w = GGUFWriter(options.out, "llama")
    add_metadata(w, options.name, v)
    add_weights(w, v, np.random.default_rng(SEED))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    main()
