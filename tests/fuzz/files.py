"""Files as they should be, changed in a bit, a byte, a token, a value or a length."""
import json
import re

TOKENS = (b"\0", b"\xff", b"\n", b" ", b"(", b")", b"{", b"}", b"[", b"]", b";", b",", b'"', b"'", b"\\", b"/*",
          b"//", b"0", b"-1", b"1e999", b"nan", b"NaN", b"Infinity", b"null", b"true", b"9" * 5000, b"4294967296",
          b"0x", b"1.5", b"[" * 2000, b"(" * 2000, b"-" * 500, b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\\ud800",
          b"../../x", b"module", b"endmodule", b"assign", b".names", b".model", b"return", b"int",
          b"uint64_t", b"cell", b"function")
CHANGES = ("bit", "byte", "bytes", "token", "delete", "repeat", "swap", "truncate", "number", "number", "empty",
           "twice", "line", "line away", "json", "json", "json")
LARGEST = 2 ** 20             # bytes of a changed file


def changed(content, random):
    """(name of the change, `content` with one to three changes)."""
    names = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        name = random.choice(CHANGES)
        content = change(name, content, random)[:LARGEST]
        names.append(name)
    return ", ".join(names), content


def change(name, content, random):
    at = random.randrange(len(content) + 1)
    to = min(len(content), at + random.choice((1, 1, 2, 4, 8, 64)))
    if name == "bit" and at < len(content):
        return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1:]
    if name == "byte" and at < len(content):
        return content[:at] + bytes([random.choice((0, 1, 127, 128, 255, random.randrange(256)))]) + content[at + 1:]
    if name == "bytes":
        return content[:at] + random.randbytes(to - at) + content[to:]
    if name == "token":
        return content[:at] + random.choice(TOKENS) + content[random.choice((at, to)):]
    if name == "delete":
        return content[:at] + content[to:]
    if name == "repeat":
        return content[:to] + content[at:to] * random.choice((1, 2, 100)) + content[to:]
    if name == "swap":
        other = random.randrange(len(content) + 1)
        first, last = sorted((at, other))
        return content[last:] + content[first:last] + content[:first]
    if name == "truncate":
        return content[:at]
    if name == "number":
        found = list(re.finditer(rb"\d+", content[:LARGEST]))
        if found:
            one = random.choice(found)
            new = random.choice((b"0", b"1", b"-1", b"255", b"256", b"65535", b"2147483648", b"18446744073709551616",
                                 b"1.5", b"1e400", b"9" * 5000, b"", str(int(one[0][:9]) + 1).encode()))
            return content[:one.start()] + new + content[one.end():]
    if name == "twice":
        return content + content
    if name == "empty":
        return b""
    if name in ("line", "line away"):
        lines = content.splitlines(keepends=True)
        if lines:
            row = random.randrange(len(lines))
            lines[row:row + 1] = [] if name == "line away" else [lines[row], random.choice(lines)]
            return b"".join(lines)
    if name == "json":
        return changed_json(content, random)
    return content


def changed_json(content, random):
    """A JSON document with another value, key or kind somewhere; other files unchanged."""
    lines = content.split(b"\n")
    number = None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        number = random.randrange(len(lines))      # lines of JSON
        try:
            document = json.loads(lines[number])
        except (ValueError, RecursionError):
            return content
    holder = {"": document}
    parent, key = holder, ""
    while isinstance(parent[key], (dict, list)) and parent[key] and random.random() < 0.8:
        parent = parent[key]
        key = random.choice(list(parent)) if isinstance(parent, dict) else random.randrange(len(parent))
    value = random.choice((None, True, 0, -1, 1.5, 2 ** 70, 1e300, "", "x", "1", [], {}, [None], {"a": 1},
                           [[1], [2, 3]], "away", "other key"))
    if value == "away" and parent is not holder:
        del parent[key]
    elif value == "other key" and isinstance(parent, dict):
        parent["other"] = parent.pop(key)
    else:
        parent[key] = value
    made = json.dumps(holder.get("")).encode()
    return made if number is None else b"\n".join([*lines[:number], made, *lines[number + 1:]])
