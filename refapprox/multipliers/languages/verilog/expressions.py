"""Expressions of Verilog: operators, selects, concatenations, constants. `parser` has the rest."""
from refapprox.multipliers.languages.verilog.tokens import NotStructural, VerilogError, parse_number, tokenize

MAX_DEPTH = 40             # nested parentheses, braces, choices and unary operators; bounds every recursion below
LEVELS = (("||",), ("&&",), ("|",), ("^", "~^", "^~"), ("&",), ("==", "!=", "===", "!=="), ("<", "<=", ">", ">="),
          ("<<", ">>", "<<<", ">>>"), ("+", "-"), ("*", "/", "%"), ("**",))
PRECEDENCE = {operator: level for level, operators in enumerate(LEVELS) for operator in operators}
UNARY = ("~", "!", "-", "+", "&", "|", "^", "~&", "~|", "~^", "^~")
GATE_NAMES = ("and", "nand", "or", "nor", "xor", "xnor", "buf", "not")
WORDS = """module endmodule input output inout wire tri logic signed unsigned assign parameter
           localparam integer generate endgenerate genvar for if else begin end supply0 supply1"""
WORDS_OF_BEHAVIOR = """always always_comb always_ff always_latch initial reg case casez casex endcase function
    endfunction task endtask while repeat forever defparam specify bit int byte typedef struct enum package import
    interface class real time event fork primitive macromodule bufif0 bufif1 notif0 notif1 tran nmos pmos
    cmos wand wor trireg bind unique priority return void automatic"""
BEHAVIORAL = set(WORDS_OF_BEHAVIOR.split())
RESERVED = {*WORDS.split(), *GATE_NAMES, *BEHAVIORAL}


class ExpressionParser:
    """Recursive descent over one token list. Expressions are tuples: what they are, ..., their line:

    ("number", value, width, signed), ("name", name, selects), ("concat", parts), ("repeat", count, concat),
    ("cast", signed, operand), ("clog2", operand), ("unary", operator, operand), ("choice", condition, yes, no),
    ("run", operators, operands), which is a run of operators of one precedence, from left to right.
    A select is ("index", e), ("range", msb, lsb), ("up", base, width) or ("down", base, width).
    """

    def __init__(self, text, where=""):
        self.where = where
        self.tokens = tokenize(text, where)
        self.position = 0
        self.depth = 0

    @property
    def token(self):
        return self.tokens[self.position]

    def fail(self, wanted):
        """Whatever is not expected may still be Verilog that Yosys reads."""
        token = self.token
        shown = repr(token.text[:40]) + (", which describes behavior" if token.text in BEHAVIORAL else "")
        raise NotStructural(f"{self.where}line {token.line}: expected {wanted}, got {shown}.")

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
        return token.text.removeprefix("\\")

    def expression(self):
        """An expression with its choices."""
        self.depth += 1
        line = self.token.line
        if self.depth > MAX_DEPTH:
            raise VerilogError(f"{self.where}line {line}: an expression is nested more than {MAX_DEPTH} deep.")
        condition = self.run(0)
        if self.accept("?"):
            yes = self.expression()
            self.expect(":")
            condition = ("choice", condition, yes, self.expression(), line)
        self.depth -= 1
        return condition

    def run(self, level):
        """Operators of precedence `level` and above; a run of one precedence becomes one node."""
        line, left = self.token.line, self.unary()
        while self.token.kind == "symbol" and PRECEDENCE.get(self.token.text, -1) >= level:
            precedence = PRECEDENCE[self.token.text]
            operators, operands = [], [left]
            while self.token.kind == "symbol" and PRECEDENCE.get(self.token.text, -1) == precedence:
                operators.append(self.accept(*LEVELS[precedence]))
                operands.append(self.run(precedence + 1))
            left = ("run", tuple(operators), tuple(operands), line)
        return left

    def unary(self):
        line, operators = self.token.line, []
        while self.token.kind == "symbol" and self.token.text in UNARY:
            operators.append(self.accept(*UNARY))
            if len(operators) > MAX_DEPTH:
                raise VerilogError(f"{self.where}line {line}: an expression is nested more than {MAX_DEPTH} deep.")
        result = self.primary()
        for operator in reversed(operators):
            result = ("unary", operator, result, line)
        return result

    def primary(self):
        token = self.token
        if token.kind == "number":
            self.position += 1
            return ("number", *parse_number(token.text, f"{self.where}line {token.line}: "), token.line)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.accept("{"):
            return self.concatenation(token.line)
        if self.accept("$signed", "$unsigned", "$clog2"):
            self.expect("(")
            inner = self.expression()
            self.expect(")")
            if token.text == "$clog2":
                return ("clog2", inner, token.line)
            return ("cast", token.text == "$signed", inner, token.line)
        name = self.identifier("an operand")
        if self.token.text == "(" or (self.token.text == "." and self.token.kind == "symbol"):
            self.fail(f"an operator after {name}")
        return self.selected(name, token.line)

    def selected(self, name, line):
        selects = []
        while self.accept("["):
            first = self.expression()
            separator = self.accept(":", "+:", "-:")
            if separator:
                kind = {":": "range", "+:": "up", "-:": "down"}[separator]
                selects.append((kind, first, self.expression()))
            else:
                selects.append(("index", first))
            self.expect("]")
        return ("name", name, tuple(selects), line)

    def concatenation(self, line):
        self.depth += 1
        parts = [self.expression()]
        if self.accept("{"):
            repeated = self.concatenation(line)
            self.expect("}")
            self.depth -= 1
            return ("repeat", parts[0], repeated, line)
        while self.accept(","):
            parts.append(self.expression())
        self.expect("}")
        self.depth -= 1
        return ("concat", tuple(parts), line)
