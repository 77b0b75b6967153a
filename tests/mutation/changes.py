"""Single-point changes of a source: what could be wrong in one place of a formula.

A change is known by the file, the function and the text of its line before and after, never by a line number: a list of
changes stays valid while lines move.
"""
import ast
import builtins
import hashlib
import math
import re
from dataclasses import asdict, dataclass, field
from itertools import islice, pairwise
from pathlib import Path

# What is changed: everything that computes the package's numbers.
ROOMS = ("ops", "error_stats", "matching", "quantization", "analog", "multipliers/metrics.py",
         "multipliers/structure_metrics.py")

# What is left out, and why. Texts, annotations, `raise` and warnings are left out everywhere: they compute nothing.
LEFT_OUT = {
    "ops/route_choice.py": "which route is the fastest: the sum is the same integer on each",
    "ops/threads.py": "how work is spread over threads, not what is computed",
}
# How much is worked on at a time, and how many threads: numbers that change no result.  Functions, arguments and
# variables of such a name are left out, and what is computed from the constants in capitals.
ONLY_SPEED = re.compile(r"BLOCK|BYTES|CHUNK|CACHE|_bytes\b|memory|image_blocks|workers|threads")
SIZES = re.compile(r"BLOCK|BYTES|CHUNK")

ARITHMETIC = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
              ast.FloorDiv: ("//", "/"), ast.Mod: ("%", "//"), ast.Pow: ("**", "*"), ast.MatMult: ("@", "*"),
              ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
              ast.BitXor: ("^", "|")}
COMPARISONS = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
               ast.Eq: ("==", "!="), ast.NotEq: ("!=", "==")}
OTHER_CALLS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "ceil": "floor",
               "floor": "ceil", "argmin": "argmax", "argmax": "argmin", "any": "all", "all": "any", "zeros": "ones",
               "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like", "sum": "mean", "mean": "sum",
               "cumsum": "cumprod", "expm1": "exp", "log1p": "log", "sort": "asarray"}
WITHOUT = {"abs", "sqrt", "sorted", "reversed", "log", "exp", "absolute", "square"}     # their argument is left


@dataclass(frozen=True)
class Change:
    """`before` and `after` are the lines it touches, joined; `start`, `end`, `text` replace bytes of the source."""

    file: str
    where: str
    kind: str
    before: str
    after: str
    start: int = field(compare=False)
    end: int = field(compare=False)
    text: str = field(compare=False)

    @property
    def key(self):
        return key_of(asdict(self))

    def applied(self, source):
        return source[:self.start] + self.text.encode() + source[self.end:]


def key_of(entry):
    """The identity of a change, from a `Change` as a dict or an entry of a committed list."""
    text = "\n".join(entry[part] for part in ("file", "where", "before", "after"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sources(root):
    """The files that are changed, relative to the package."""
    package = Path(root) / "refapprox"
    for room in ROOMS:
        path = package / room
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            name = file.relative_to(package).as_posix()
            if file.exists() and name not in LEFT_OUT and file.name != "__init__.py":
                yield name


def changes_of(file, source):
    """Every change of one source (bytes), in the order of the source."""
    walk = _Walk(file, source)
    walk.visit(ast.parse(source))
    found, seen = [], set()
    for change in sorted(walk.found, key=lambda change: (change.start, change.end, change.text)):
        if change.key not in seen:                            # a line that stands twice in a function counts once
            seen.add(change.key)
            found.append(change)
    return found


def draw(root, count, seed, only=""):
    """`count` changes or some more: of each file its share, rounded up, in each file of every kind in turn, by chance.

    Chance is a hash of the seed and the change: editing one file does not draw the others anew.
    """
    def chance(change):
        return hashlib.sha256(f"{seed} {change.key}".encode()).hexdigest()

    every = {file: changes_of(file, read(root, file)) for file in sources(root) if file.startswith(only)}
    total = sum(map(len, every.values()))
    drawn = []
    for file, changes in every.items():
        turn, turns = {}, []
        for change in sorted(changes, key=chance):
            turn[change.kind] = turn.get(change.kind, -1) + 1
            turns.append((turn[change.kind], chance(change), change))
        valid = (change for *_, change in sorted(turns, key=lambda t: t[:2])
                 if _compiles(change.applied(read(root, file))))
        drawn += islice(valid, math.ceil(count * len(changes) / total) if changes else 0)
    return drawn


def named(root, entries):
    """(changes, entries that no longer fit the source) of a committed list."""
    every = {change.key: change for file in sorted({entry["file"] for entry in entries} & set(sources(root)))
             for change in changes_of(file, read(root, file))}
    return ([every[key_of(entry)] for entry in entries if key_of(entry) in every],
            [entry for entry in entries if key_of(entry) not in every])


def read(root, file):
    return (Path(root) / "refapprox" / file).read_bytes()


def _compiles(source):
    try:
        compile(source, "changed", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


class _Walk(ast.NodeVisitor):
    """Collects changes; a function whose name says that it is about speed alone is passed over."""

    def __init__(self, file, source):
        self.file, self.source, self.found, self.scope = file, source, [], []
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def place(self, node):
        return (self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset)

    def text(self, node):
        start, end = self.place(node)
        return self.source[start:end].decode()

    def add(self, kind, start, end, text):
        first = max(i for i, s in enumerate(self.starts[:-1]) if s <= start)
        last = max(i for i, s in enumerate(self.starts[:-1]) if s < max(end, start + 1))
        low, high = self.starts[first], self.starts[last + 1]
        before = self.source[low:high]
        after = self.source[low:start] + text.encode() + self.source[end:high]
        self.found.append(Change(self.file, ".".join(self.scope), kind, " ".join(before.decode().split()),
                                 " ".join(after.decode().split()), start, end, text))

    def between(self, kind, left, right, old, new):
        """Replace the operator `old` that stands between two nodes."""
        low, high = self.place(left)[1], self.place(right)[0]
        gap = re.sub(rb"#.*", lambda comment: b" " * len(comment[0]), self.source[low:high])
        at = low + gap.index(old.encode())
        self.add(kind, at, at + len(old), new)

    # what is not changed
    def visit_FunctionDef(self, node):
        if ONLY_SPEED.search(node.name) or node.name in ("__repr__", "__str__", "_repr_html_", "plot"):
            return
        self.scope.append(node.name)
        named = [*node.args.posonlyargs, *node.args.args]
        defaults = [*zip(named[len(named) - len(node.args.defaults):], node.args.defaults, strict=True),
                    *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
        for part in (*(value for name, value in defaults if value and not ONLY_SPEED.search(name.arg)), *node.body):
            self.visit(part)
        self.scope.pop()

    def visit_ClassDef(self, node):
        self.scope.append(node.name)
        for part in node.body:
            self.visit(part)
        self.scope.pop()

    def visit_AnnAssign(self, node):
        if node.value and not ONLY_SPEED.search(self.text(node.target)):
            self.visit(node.value)

    def visit_Assign(self, node):
        if any(ONLY_SPEED.search(self.text(target)) for target in node.targets) or SIZES.search(self.text(node.value)):
            return
        if isinstance(node.targets[0], ast.Subscript):
            self.add("dropped", *self.place(node), "pass")
        self.generic_visit(node)

    def visit_keyword(self, node):
        if node.arg is None or not ONLY_SPEED.search(node.arg):
            self.visit(node.value)

    def visit_JoinedStr(self, node):
        """Texts compute nothing."""

    visit_Raise = visit_Assert = visit_Import = visit_ImportFrom = visit_JoinedStr

    # what is changed
    def visit_BinOp(self, node):
        old, new = ARITHMETIC[type(node.op)]
        self.between("arithmetic", node.left, node.right, old, new)
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            self.add("dropped", *self.place(node), self.whole(node.left))
            if isinstance(node.op, (ast.Add, ast.Mult)):
                self.add("dropped", *self.place(node), self.whole(node.right))
        self.generic_visit(node)

    def whole(self, node):
        return f"({self.text(node)})" if isinstance(node, (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp)) \
            else self.text(node)

    def visit_AugAssign(self, node):
        old, new = ARITHMETIC[type(node.op)]
        self.between("arithmetic", node.target, node.value, f"{old}=", f"{new}=")
        self.add("dropped", *self.place(node), "pass")
        self.generic_visit(node)

    def visit_Compare(self, node):
        for left, op, right in zip((node.left, *node.comparators[:-1]), node.ops, node.comparators, strict=True):
            if type(op) in COMPARISONS:
                self.between("comparison", left, right, *COMPARISONS[type(op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            self.between("logic", left, right, old, new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
            self.add("sign", *self.place(node), self.text(node.operand))
        self.generic_visit(node)

    def condition(self, node):
        if not isinstance(node.test, ast.UnaryOp):
            self.add("condition", *self.place(node.test), f"not ({self.text(node.test)})")
        self.generic_visit(node)

    visit_If = visit_IfExp = visit_While = condition

    def visit_comprehension(self, node):
        for test in node.ifs:
            self.add("condition", *self.place(test), f"not ({self.text(test)})")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, bool):
            self.add("constant", *self.place(node), str(not node.value))
        elif isinstance(node.value, int):
            self.add("constant", *self.place(node), str(node.value + 1))
            if node.value == 1:
                self.add("constant", *self.place(node), "0")
        elif isinstance(node.value, float):
            self.add("constant", *self.place(node), repr(node.value * 1.25 if node.value else 1.0))

    def visit_Slice(self, node):
        for bound in filter(None, (node.lower, node.upper)):
            self.add("slice", *self.place(bound), "")
        self.generic_visit(node)

    def visit_Call(self, node):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if name in ("warn", "warns") or (name or "").startswith("check_"):
            return                                        # which text stands in an error
        start, end = self.place(node.func)
        if name in OTHER_CALLS and (isinstance(node.func, ast.Attribute) or hasattr(builtins, OTHER_CALLS[name])):
            self.add("function", end - len(name), end, OTHER_CALLS[name])
        if name in WITHOUT and len(node.args) == 1 and not node.keywords:
            self.add("dropped", *self.place(node), f"({self.text(node.args[0])})")
        self.generic_visit(node)
