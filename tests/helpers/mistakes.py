"""Small plausible mistakes in a source text: what scripts/mutants.py puts in."""

import ast
import collections
from typing import NamedTuple

__all__ = ["Mistake", "find"]

_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATIONS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
# Arguments that only people read.
_WORDS = {"help", "metavar", "description", "doc"}
_FUNCTIONS = {"max": "min", "min": "max", "any": "all", "all": "any"}


class Mistake(NamedTuple):
    """One change of a file.

    Its text names the function and not the line, so that it survives other changes.
    """

    path: str
    function: str
    number: int  # of those that read the same
    line: int
    start: int  # places in the file's UTF-8
    end: int
    old: str
    new: str

    def __str__(self):
        again = f" ({self.number})" if self.number > 1 else ""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.path}:{self.function}: {old} -> {new}{again}"

    def apply(self, source):
        """Return a source text with this mistake."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()


def find(path, source):
    """Return the mistakes that can be made in a source text, in its order.

    Parameters
    ----------
    path : str
        The file's name in the project.
    source : str
        What stands in it.

    Returns
    -------
    list of Mistake
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    found, seen = [], collections.Counter()
    for function, node, new in finder.found:
        start, end = finder.place(node)
        old = source.encode()[start:end].decode()
        number = seen[function, old, new] = seen[function, old, new] + 1
        found.append(Mistake(path, function, number, node.lineno, start, end, old, new))
    return found


class _Finder(ast.NodeVisitor):
    """Walks over a file; notes nodes and what could stand there instead."""

    def __init__(self, source):
        self.found = []
        self._names = []
        lines = source.encode().splitlines(keepends=True)
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))

    def place(self, node):
        """Return the first and the last byte of a node."""
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _note(self, node, new):
        function = ".".join(self._names) or "module"
        text = new if isinstance(new, str) else f"({ast.unparse(new)})"
        self.found.append((function, node, text))

    def _inside(self, node):
        self._names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._names.pop()

    def visit_ClassDef(self, node):
        """Look into the body alone: decorators and bases fail at once."""
        self._inside(node)

    def visit_FunctionDef(self, node):
        """Look into defaults and body, not into annotations."""
        self._names.append(node.name)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._names.pop()
        self._inside(node)

    def visit_AnnAssign(self, node):
        """Look at the value alone."""
        if node.value:
            self.visit(node.value)

    def visit_Assign(self, node):
        """Leave lists of names alone."""
        names = [getattr(target, "id", "") for target in node.targets]
        if not any(name in ("__all__", "__slots__") for name in names):
            self.generic_visit(node)

    def visit_JoinedStr(self, node):
        """Leave messages alone."""

    def visit_Compare(self, node):
        """Turn a comparison around, or move its limit by one."""
        if len(node.ops) == 1:
            operator = _COMPARISONS[type(node.ops[0])]()
            self._note(node, ast.Compare(node.left, [operator], node.comparators))
        self.generic_visit(node)

    def visit_BinOp(self, node):
        """Take another operator."""
        text = isinstance(node.left, ast.JoinedStr) or isinstance(
            getattr(node.left, "value", None), str
        )
        if type(node.op) in _OPERATIONS and not text:
            operator = _OPERATIONS[type(node.op)]()
            self._note(node, ast.BinOp(node.left, operator, node.right))
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        """Take another operator."""
        if type(node.op) in _OPERATIONS:
            operator = _OPERATIONS[type(node.op)]()
            new = ast.AugAssign(node.target, operator, node.value)
            self._note(node, ast.unparse(new))
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        """Take `or` for `and`, and the other way round."""
        operator = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._note(node, ast.BoolOp(operator, node.values))
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        """Leave out a `not` or a minus."""
        if isinstance(node.op, ast.Not | ast.USub):
            self._note(node, node.operand)
        self.generic_visit(node)

    def visit_Constant(self, node):
        """Take another number, or the other boolean."""
        if isinstance(node.value, bool):
            self._note(node, str(not node.value))
        elif isinstance(node.value, int | float):
            self._note(node, repr(node.value + 1))

    def visit_If(self, node):
        """Turn a condition around, if it does not do so itself."""
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            self._note(node.test, ast.UnaryOp(ast.Not(), node.test))
        self.generic_visit(node)

    visit_IfExp = visit_If

    def visit_Raise(self, node):
        """Leave out a check."""
        self._note(node, "pass")

    def visit_Return(self, node):
        """Return nothing."""
        value = node.value
        if value and not (isinstance(value, ast.Constant) and value.value is None):
            self._note(node, "return None")
        self.generic_visit(node)

    def visit_Expr(self, node):
        """Leave out a call whose result is not used."""
        if isinstance(node.value, ast.Call):
            self._note(node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node):
        """Take a function's opposite, leave out an option, exchange two arguments."""
        if new := _FUNCTIONS.get(getattr(node.func, "id", None)):
            self._note(node.func, new)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in _WORDS:
                rest = [other for other in node.keywords if other is not keyword]
                self._note(node, ast.Call(node.func, node.args, rest))
        if len(node.args) == 2 and not node.keywords:
            one, other = node.args
            starred = any(isinstance(a, ast.Starred) for a in node.args)
            if not starred and ast.dump(one) != ast.dump(other):
                self._note(node, ast.Call(node.func, [other, one], []))
        self.generic_visit(node)
