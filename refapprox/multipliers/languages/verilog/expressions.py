"""Expressions of structural Verilog: operators, selects, concatenations, constants. `parser` has the rest."""
import math

from refapprox.multipliers.languages.verilog.tokens import VerilogError, parse_number, tokenize

MAX_DEPTH = 40             # nested parentheses, braces and unary operators; bounds every recursion below
# operator -> (precedence, node); a - b becomes a + NEG b, and a ~^ b becomes NOT of a ^ b
OPERATORS = {"|": (0, "OR"), "^": (1, "XOR"), "~^": (1, "XOR"), "^~": (1, "XOR"), "&": (2, "AND"),
             "+": (3, "+"), "-": (3, "+"), "*": (4, "*")}
RESERVED = {"module", "endmodule", "input", "output", "inout", "wire", "reg", "assign", "always", "initial", "begin",
            "end", "signed", "localparam", "parameter", "generate", "genvar", "function", "task", "if", "else", "case",
            "for", "integer", "defparam", "supply0", "supply1", "tri"}


class ExpressionParser:
    """Recursive descent over one token list. Expressions are nested tuples whose first element says what they are:

    ("number", value, width, signed), ("name", name), ("bit", name, expr), ("part", name, msb expr, lsb expr),
    ("concat", exprs), ("repeat", count expr, expr), ("cast", signed, expr), ("NOT" | "!" | "NEG", expr),
    (OR | XOR | AND | + | *, exprs); every one of them ends with its line.
    """

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0
        self.constants = {}

    @property
    def token(self):
        return self.tokens[self.position]

    def fail(self, wanted):
        raise VerilogError(f"line {self.token.line}: expected {wanted}, got {self.token.text[:40]!r}.")

    def accept(self, *texts):
        """The next token's text if it is one of `texts`, consumed; else None."""
        token = self.token
        if token.text in texts and token.kind in ("name", "symbol"):
            self.position += 1
            return token.text
        return None

    def expect(self, text):
        return self.accept(text) or self.fail(repr(text))

    def identifier(self, wanted):
        token = self.token
        if token.kind != "name" or token.text[0] == "$" or token.text in RESERVED:
            self.fail(wanted)
        self.position += 1
        return token.text.lstrip("\\")

    def constant(self):
        """A constant expression of range bounds and repetitions, as an int."""
        line = self.token.line
        value = evaluate_constant(self.expression())
        if value is None or abs(value) > 2 ** 31:
            raise VerilogError(f"line {line}: expected a constant expression.")
        return value

    def expression(self, level=0):
        """Operators of precedence `level` and above; a run of one precedence becomes one node."""
        line, left = self.token.line, self.unary()
        while self.token.kind == "symbol" and OPERATORS.get(self.token.text, (-1,))[0] >= level:
            precedence, node = OPERATORS[self.token.text]
            operands, inverted = [left], False
            while self.token.kind == "symbol" and OPERATORS.get(self.token.text, (-1,))[0] == precedence:
                operator = self.accept(*OPERATORS)
                operand = self.expression(precedence + 1)
                operands.append(("NEG", operand, line) if operator == "-" else operand)
                inverted ^= operator in ("~^", "^~")
            left = (node, tuple(operands), line)
            if inverted:
                left = ("NOT", left, line)
        return left

    def unary(self):
        line, operator = self.token.line, self.accept("~", "!", "-")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise VerilogError(f"line {line}: an expression is nested more than {MAX_DEPTH} deep.")
        result = (({"~": "NOT", "!": "!", "-": "NEG"}[operator], self.unary(), line) if operator else self.primary())
        self.depth -= 1
        return result

    def primary(self):
        token = self.token
        if token.kind == "number":
            self.position += 1
            return ("number", *parse_number(token.text, token.line), token.line)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.accept("{"):
            return self.concatenation(token.line)
        if self.accept("$signed", "$unsigned"):
            self.expect("(")
            inner = self.expression()
            self.expect(")")
            return ("cast", token.text == "$signed", inner, token.line)
        name = self.identifier("an operand")
        if name in self.constants:
            return ("number", self.constants[name], 32, True, token.line)
        if not self.accept("["):
            return ("name", name, token.line)
        first = self.expression()
        if self.accept(":"):
            first = ("part", name, first, self.expression(), token.line)
        else:
            first = ("bit", name, first, token.line)
        self.expect("]")
        return first

    def concatenation(self, line):
        parts = [self.expression()]
        if self.accept("{"):
            repeated = self.concatenation(line)
            self.expect("}")
            return ("repeat", parts[0], repeated, line)
        while self.accept(","):
            parts.append(self.expression())
        self.expect("}")
        return ("concat", tuple(parts), line)


def evaluate_constant(expression):
    """Value of an expression of numbers, + - *, or None."""
    kind = expression[0]
    if kind == "number":
        return expression[1]
    if kind == "NEG":
        value = evaluate_constant(expression[1])
        return None if value is None else -value
    if kind not in ("+", "*"):
        return None
    values = [evaluate_constant(part) for part in expression[1]]
    if None in values or len(values) > 8 or max(map(abs, values)) > 2 ** 31:
        return None
    return sum(values) if kind == "+" else math.prod(values)
