"""Finds texts that a template or a module says in English to everybody."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template.base import Lexer, TokenType

#: Names, which are the same in every language.
NAMES = {"evidesk", "API", "https", "CSV", "XLSX"}
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label"}
_MUTE = {"script", "style", "code", "pre", "svg"}
#: Texts as arguments of filters, and of tags that pass them on.
_IN_TAGS = re.compile(
    r"""(?:\|(?:default|default_if_none|yesno|pluralize|add):|\b\w+=)"([^"]*)\""""
)


def unmarked_in_template(source: str) -> Iterator[str]:
    """Texts that a template says in English to everybody."""
    html, until = "", ""
    for token in Lexer(source).tokenize():
        words = token.contents.split()
        if until:
            if token.token_type == TokenType.BLOCK and words[0] == until:
                until = ""
        elif token.token_type == TokenType.TEXT:
            html += token.contents
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            # The block "width" holds a class of the style sheet.
            if words[0] in ("blocktranslate", "comment") or words[:2] == ["block", "width"]:
                until = f"end{words[0]}"
            if not words[0].startswith(("translate", "url", "load", "extends")):
                for text in _IN_TAGS.findall(token.contents):
                    if re.search(r"[A-Z ]", text) and not is_format(text) and says_more(text):
                        yield text
    reader = _Reader()
    reader.feed(html)
    reader.close()
    yield from filter(says_more, reader.texts)


def says_more(text: str) -> bool:
    return any(word not in NAMES for word in _LETTERS.findall(text))


def is_format(text: str) -> bool:
    """Of a date, by its name."""
    return text.endswith("_FORMAT")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.mute: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MUTE:
            self.mute.append(tag)
        said = _ATTRIBUTES | ({"value"} if ("type", "submit") in attrs else set())
        self.texts += [value for name, value in attrs if name in said and value]

    def handle_endtag(self, tag: str) -> None:
        if self.mute and self.mute[-1] == tag:
            self.mute.pop()

    def handle_data(self, data: str) -> None:
        if not self.mute:
            self.texts.append(data)


#: Functions that say their arguments to a person.
_SAYS = {
    *("refuse", "Refused", "Conflict", "ValidationError", "add_error", "explain", "Answer"),
    *("Invalid", "Forbidden", "PreconditionFailed", "Undelivered", "problem"),
}
#: Arguments and keys that are shown, whoever takes them.
_SHOWN = {"label", "help_text", "verbose_name", "empty_label", "placeholder", "title", "reason"}
_LAZY = {"gettext_lazy", "ngettext_lazy", "pgettext_lazy", "npgettext_lazy"}
_MARKS = _LAZY | {"gettext", "ngettext", "pgettext", "npgettext", "gettext_noop"}
#: Arguments that only the API's description and programmers show.
_DESCRIBES = {"description", "summary", "hint", "help"}
_SENTENCE = re.compile(r"[A-Z].*\s.*[.!?:]\s*", re.DOTALL)
#: The names of the states are German already; help texts of columns that no form shows are docs.
_AS_IT_IS = {"FederalState"}


def unmarked_in_python(source: str) -> Iterator[str]:
    """Texts that a module says in English to everybody, with their lines."""
    tree = ast.parse(source)
    lazy, marks = _called(tree, _LAZY), _called(tree, _MARKS) | {"_"}
    is_model = "models.Model" in source
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _unmarked_in_call(node, is_model)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in ("placeholder", "aria-label"):
                    yield from _bare(value)
        elif isinstance(node, ast.ClassDef) and _is_choices(node):
            yield from _unmarked_choices(node)
    # A lazy text that is filled in at once is translated at once, whoever reads it later.
    for node in _at_import(tree):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mod)
            and isinstance(node.left, ast.Call)
            and isinstance(node.left.func, ast.Name)
            and node.left.func.id in lazy
        ):
            yield f"{node.lineno}: filled in when imported"
    for line, text in _sentences(tree, marks, is_model):
        yield f"{line}: {text}"


def _called(tree: ast.AST, names: set[str]) -> set[str]:
    """What the module calls these functions."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {one.asname or one.name for node in imports for one in node.names if one.name in names}


def _sentences(node: ast.AST, marks: set[str], is_model: bool) -> Iterator[tuple[int, str]]:
    """Sentences anywhere but in marks, docstrings, logs, program faults and descriptions."""
    if isinstance(node, ast.Call):
        name = _name_of(node)
        if name in marks or name.endswith(("Error", "Configured")):
            return
        if isinstance(node.func, ast.Attribute) and "log" in ast.unparse(node.func.value):
            return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.keyword) and (
        node.arg in _DESCRIBES or (is_model and node.arg == "help_text")
    ):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if _SENTENCE.fullmatch(node.value):
            yield node.lineno, node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from _sentences(child, marks, is_model)


def _name_of(call: ast.Call) -> str:
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def _unmarked_in_call(node: ast.Call, is_model: bool) -> Iterator[str]:
    func = node.func
    name = _name_of(node)
    owner = getattr(func.value, "id", "") if isinstance(func, ast.Attribute) else ""
    if name in _SAYS or owner == "messages":
        for argument in node.args:
            yield from _bare(argument, sentence=name in ("add_error", "explain", "problem"))
    for keyword in node.keywords:
        if keyword.arg in _SHOWN and not (is_model and keyword.arg == "help_text"):
            yield from _bare(keyword.value)


def _bare(node: ast.expr, *, sentence: bool = False) -> Iterator[str]:
    """Texts in an argument that no mark is around; names of fields are no sentences."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if says_more(node.value) and not (sentence and node.value.isidentifier()):
            yield f"{node.lineno}: {node.value}"
    elif isinstance(node, ast.JoinedStr):
        texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if any(says_more(str(text)) for text in texts):
            yield f"{node.lineno}: {ast.unparse(node)}"
    elif isinstance(node, ast.BinOp):
        yield from _bare(node.left)
        yield from _bare(node.right)
    elif isinstance(node, ast.IfExp):
        yield from _bare(node.body)
        yield from _bare(node.orelse)


def _is_choices(node: ast.ClassDef) -> bool:
    return node.name not in _AS_IT_IS and any(
        ast.unparse(base).endswith("Choices") for base in node.bases
    )


def _unmarked_choices(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            if not isinstance(statement.value, ast.Tuple):
                yield f"{statement.lineno}: {node.name} without a label"
            else:
                yield from _bare(statement.value.elts[-1])


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything outside of functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _at_import(node)
