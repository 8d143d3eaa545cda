"""Files made wrong in every way at hand: bytes, tokens, nodes, sizes. The same seed makes the same files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from tests.fuzz.corpus import Sample

MOST = 64 << 10                         # bytes of a mutated file
TOKENS = [
    b": ", b"- ", b"? ", b"#", b" #", b"&a ", b"*a", b"&a [*a]", b"{", b"}", b"[", b"]", b",", b'"', b"'", b"|", b">",
    b"|+9\n", b">-\n", b"!!str ", b"!x ", b"!<tag:x> ", b"<<: ", b"---\n", b"...\n", b"%YAML 1.1\n", b"%TAG ! x\n",
    b"\t", b"\r", b"\r\n", b"\x00", b"\x7f", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85", b"\xed\xa0\x80",
    b"\xff\xfe", b"\xf0\x9f\x98\x80", b"~", b"null", b"yes", b"0o17", b"0x1F", b"1e999", b"-.inf", b".nan", b"1_000",
    b"-0", b"9" * 400, b"1" * 5000, b"$remove: true", b"$replace: true", b"$mode", b"apiVersion: guru/v1\n",
    b"kind: Policy\n", b"spec: {}\n", b"checks: {}\n", b"selector: 'a in (b'", b"@acme/hq", b"(((((", b"{device",
    b"{{x}}", b"*?[", b"0 0 31 2 *", b"L W#5", b"Europe/Madrid", b"../../x", b"/etc/../x", b"org/x.age",
    b"renamedFrom: [a, a]\n", b"enforced: [checks]\n", b"\\", b"\\x", b'"\\U0010FFFF"', b'"\\uD800"', b'"\\e[31m"',
    b"  " * 40, b"\n" * 3,
]
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.1, 1e308, "", " ", "a", "x" * 300, "\n", "\u202e", "\x07",
    "é" * 70, "5m", "-5m", "999999d", "101%", "0.0000001%", "10EiB", "0644", "a=b", "a in ()", "fact/x>=1e400",
    "group=x", "@", "!", "{", "checks.a.b.c", "org/x.yaml", "/", "/x/../y", "https://[::1", "a@b", "ok*1000000",
    "ok*5 critical:1e400*3", "* * * * *", "*/0 * * * *", "60 24 32 13 8", "L * * * *", "* * * * mon#9",
    "2026-02-30T25:61", "UTC", [], {}, [[]], {"$remove": True}, {"$replace": True}, {"$remove": False, "kind": "cpu"},
    {"kind": "cpu"}, {"kind": []}, {"": 1}, {"a": {"a": {"a": {}}}},
]
Mutator = Callable[[Random, bytes, Sequence[Sample]], bytes]


def mutated(random: Random, samples: Sequence[Sample]) -> Sample:
    """A sample with some mutations, at its own place or at another's."""
    sample = random.choice(samples)
    data = sample.data
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(MUTATORS)(random, data, samples)[:MOST]
    path = sample.path if random.random() < 0.9 else random.choice(samples).path
    return Sample(path, data)


def _flipped(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    found = bytearray(data or b"\n")
    for _ in range(random.randint(1, 8)):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _cut(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    begin, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    end = min(end, begin + random.choice((1, 4, 40, 400)))
    return data[:begin] + data[end:]


def _doubled(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    begin, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return data[:end] + data[begin:end] * random.choice((1, 1, 2, 50)) + data[end:]


def _spliced(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        if random.random() < 0.5:       # where a value or a key would stand
            marks = [i + 2 for i in range(len(data) - 1) if data[i:i + 2] in (b": ", b"- ", b"\n ")]
            at = random.choice(marks) if marks else at
        data = data[:at] + random.choice(TOKENS) + data[at:]
    return data


def _crossed(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    mine, theirs = data.split(b"\n"), random.choice(samples).data.split(b"\n")
    at, begin = random.randrange(len(mine) + 1), random.randrange(len(theirs))
    return b"\n".join((*mine[:at], *theirs[begin:begin + random.randint(1, 8)], *mine[at:]))


def _indented(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    lines = data.split(b"\n")
    begin = random.randrange(len(lines))
    for number in range(begin, min(len(lines), begin + random.randint(1, 5))):
        lines[number] = lines[number][1:] if random.random() < 0.4 else b" " * random.randint(1, 4) + lines[number]
    return b"\n".join(lines)


def _noded(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    """The documents with some nodes taken out, put elsewhere or replaced; written as JSON, which is YAML."""
    documents = _documents(data) or _documents(random.choice(samples).data)
    others = [value for one in _documents(random.choice(samples).data) for value in _values(one)]
    for _ in range(random.randint(1, 3)):
        for document in documents:
            _change(random, document, others)
    return "\n---\n".join(json.dumps(one, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 1)))
                          for one in documents).encode("utf-8", "surrogatepass")


def _grown(random: Random, data: bytes, samples: Sequence[Sample]) -> bytes:
    """Something of it very often, or very deep."""
    line = random.choice(data.split(b"\n")) + b"\n"
    match random.randrange(6):
        case 0:
            return data + line * (MOST // (len(line) + 1))
        case 1:
            opener = random.choice((b"[", b"{a: ", b"- ", b"&a [", b"'"))
            return data + b"\nx: " + opener * random.choice((30, 70, 5000))
        case 2:
            many = [b", ".join([b"*a%d" % (n - 1) if n else b"x" * 99] * 9) for n in range(random.randint(2, 12))]
            return data + b"\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, inner) for n, inner in enumerate(many))
        case 3:
            return b"---\n".join([data] * (MOST // (len(data) + 4) + 1))
        case 4:
            return data + b"".join(b"key%d: {kind: cpu, warning: %d}\n" % (n, n) for n in range(1500))
        case _:
            at = data.find(b": ") + 2
            word = random.choice((b"a", b"9", b"(", b"a,", b"*", b"a*", b"{a}", b"x" * 9 + b" "))
            return data[:at] + word * 30_000 + data[at:]


def _documents(data: bytes) -> list[Any]:
    return [plain(node) for node in read_yaml("x.yaml", data).documents]


def _values(value: Any) -> list[Any]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for one in inner for found in _values(one))]


def _change(random: Random, document: Any, others: Sequence[Any]) -> None:
    holders = [value for value in _values(document) if isinstance(value, dict | list) and value]
    if not holders:
        return
    holder = random.choice(holders)
    new = random.choice(ODD if random.random() < 0.6 or not others else others)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key = random.choice(keys)
    match random.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            renamed = random.choice((str(key) + "x", "kind", "$remove", "$replace", "name", "", "a" * 70))
            holder[renamed] = holder.pop(key)
        case 2 if isinstance(holder, dict):
            holder[f"n{random.randrange(9)}"] = json.loads(json.dumps(new))
        case 3:
            holder[key] = [holder[key]] * random.choice((1, 2, 60)) if random.random() < 0.5 else {"a": holder[key]}
        case _:
            holder[key] = json.loads(json.dumps(new))


MUTATORS: tuple[Mutator, ...] = (
    _flipped, _cut, _doubled, _spliced, _spliced, _crossed, _indented, _noded, _noded, _noded, _noded, _grown,
)
