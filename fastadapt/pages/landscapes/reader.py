"""A rule's `update` read from its text: the lines as they are shown, and a program that carries them out."""

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line of `update` as it is shown.

    target : the name that it gives a value, "" for a condition
    key : where that value is found
    tokens : the expression, cut into text and `(name, key)` for each name that is read
    depth : how far it is indented
    """

    target: str
    key: str
    tokens: tuple[str | tuple[str, str], ...]
    depth: int


class Reader:
    """Reads the text of an `update` whose weight, gradient and states are `before`, and then its coefficients.

    `lines`, `kept` and `program` are those of `Formula`.
    """

    def __init__(self, name: str, text: str, before: list[str], coefficients: list[str]):
        self._name, self._text, self._before = name, text, before
        self._versions = dict.fromkeys([*before, *coefficients], 0)
        self._count = dict(self._versions)
        self.lines: list[Line] = []
        self.kept: dict[str, str] = {}
        self.program = self._block(ast.parse(text).body[0].body, 0)

    def _block(self, statements, depth):
        """The program of some statements: what `values` carries out."""
        program = []
        for statement in statements:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            program.append(self._statement(statement, depth))
        return program

    def _statement(self, statement, depth):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            return self._set(statement.targets[0].id, statement.value, depth)
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            read = ast.copy_location(ast.Name(name, ast.Load()), statement.target)
            value = ast.copy_location(ast.BinOp(read, statement.op, statement.value), statement)
            return self._set(name, value, depth)
        if isinstance(statement, ast.Return):
            return self._return(statement.value, depth)
        if isinstance(statement, ast.If):
            return self._if(statement, depth)
        raise NotImplementedError(f"{type(statement).__name__} in {self._name}")

    def _set(self, name, value, depth):
        tokens, code = self._tokens(value), _compiled(value)
        key = self._new(name)
        self.lines.append(Line(name, key, tokens, depth))
        return "set", name, key, code

    def _new(self, name):
        """The key of a name that is given a new value."""
        self._count[name] = self._versions[name] = self._count.get(name, 0) + 1
        return f"{name}.{self._versions[name]}"

    def _return(self, value, depth):
        """The new weight, and states that are computed on the way out."""
        items = value.elts if isinstance(value, ast.Tuple) else [value]
        steps = []
        for name, item in zip(self._before[:1] + self._before[2:], items, strict=False):
            plain = isinstance(item, ast.Name)
            key = f"{item.id}.{self._versions[item.id]}" if plain else f"{name}.new"
            if depth == 0:
                self.kept[name] = key
            if plain and name != "p":
                continue
            key = f"{name}.new"
            self.lines.append(Line(name, key, self._tokens(item), depth))
            steps.append((key, _compiled(item)))
        return "return", steps

    def _if(self, statement, depth):
        self.lines.append(Line("", "", ("if ", *self._tokens(statement.test)), depth))
        begin = dict(self._versions)
        body = self._block(statement.body, depth + 1)
        after, self._versions = dict(self._versions), begin
        if statement.orelse:
            self.lines.append(Line("", "", ("else",), depth))
        other = self._block(statement.orelse, depth + 1)
        changed = [n for n in {**after, **self._versions} if after.get(n) != self._versions.get(n)]
        joined = []
        for name in changed:
            joined.append((name, self._new(name)))
        return "if", _compiled(statement.test), body, other, joined

    def _tokens(self, node):
        """An expression's text, cut at the names that have values."""
        text = self._shown(node)
        tree = ast.parse(text, mode="eval")
        called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
        names = sorted((n for n in names if n.id in self._versions), key=lambda n: n.col_offset)
        tokens, at = [], 0
        for name in names:
            tokens += [text[at : name.col_offset], (name.id, f"{name.id}.{self._versions[name.id]}")]
            at = name.end_col_offset
        return tuple(token for token in [*tokens, text[at:]] if token)

    def _shown(self, node):
        """The text as it was written, on one line; where it was put together here, as Python writes it."""
        try:
            text = ast.get_source_segment(self._text, node)
            if text and ast.dump(ast.parse(text, mode="eval").body) == ast.dump(node):
                return " ".join(text.split())
        except SyntaxError:
            pass
        return ast.unparse(node)


def _compiled(node):
    return compile(ast.fix_missing_locations(ast.Expression(node)), "update", "eval")
