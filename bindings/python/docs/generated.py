"""The part of the reference that is generated: errors, actions with their types, and the events of a job.

The installed package is what is read: signatures from its stubs, descriptions from its docstrings.
"""

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Literal, Union, get_origin

import cvm
from cvm import _actions, _sync_events, errors, types

#: Where an action belongs: the first group whose pattern is found in its method's name. The last one takes the rest.
GROUPS = [
    ("images", "Images", "(?<!fpga_)image"),
    ("key-pairs", "Key pairs", "key_pair"),
    ("launch-templates", "Launch templates", "launch_template"),
    ("placement-groups", "Placement groups and clusters", "disaster_recover_group|hpc_cluster"),
    ("hosts", "Hosts", "_hosts"),
    ("chc", "Physical servers", "chc"),
    ("resource-pools", "Resource pools", "resource_pool"),
    ("regions", "Regions, zones and quotas", "describe_regions|describe_zones|account_quota"),
    ("instance-types", "Instance types", "describe_.*(type|family|instance)_config"),
    ("prices", "Prices", "^inquiry_"),
    ("network", "Networks of instances", "internet|security_groups|vpc"),
    ("maintenance", "Maintenance and schedules", "rescue_mode|task|operating_systems|action_timer"),
    ("instances", "Instances", ""),
]

#: The names of the methods that are actions.
ACTIONS = sorted(name for name in vars(_actions.Actions) if not name.startswith("_"))


def pages() -> dict[str, str]:
    """The generated pages, by their names below ``reference/``, as reStructuredText."""
    out = {}
    signatures = _signatures()
    groups = _grouped()
    out["errors"] = _errors()
    for group, title, _ in GROUPS:
        out[f"actions/{group}"] = _page(title, "cvm", [_action(name, signatures[name]) for name in groups[group]])
    out["async-actions"] = _async_actions(groups)
    types_ = _definitions(types)
    shapes = {name: text for name, (is_class, text) in types_.items() if is_class and not _is_of_action(name)}
    values = {name: text for name, (is_class, text) in types_.items() if not is_class}
    out["structures"] = _page("Structures", "cvm.types", [shapes[name] for name in sorted(shapes)])
    out["values"] = _page("Known values", "cvm.types", [values[name] for name in sorted(values)])
    # What `cvm` exports stands with the jobs.
    events = [text for name, (_, text) in _definitions(_sync_events).items() if not hasattr(cvm, name)]
    out["sync-events"] = _page("Events and options", "cvm._sync_events", events)
    return out


def _grouped() -> dict[str, list[str]]:
    """The actions of each group."""
    groups: dict[str, list[str]] = {group: [] for group, _, _ in GROUPS}
    for action in ACTIONS:
        groups[next(group for group, _, pattern in GROUPS if re.search(pattern, action))].append(action)
    return groups


def _page(title: str, module: str, parts: list[str]) -> str:
    return "\n\n".join([f"{title}\n{'=' * len(title)}", f".. py:currentmodule:: {module}", *parts]) + "\n"


def _section(title: str) -> list[str]:
    return [title, "-" * len(title), ""]


def _errors() -> str:
    """All exceptions, in the order in which they are written."""
    intro = (
        "One tree of exceptions, whose root is :class:`Error`. :class:`ServiceError` and what is below it are what the service "
        "refused; the others did not get that far."
    )
    options = "   :show-inheritance:\n   :no-inherited-members:"
    names = [name for name in vars(errors) if name in errors.__all__]
    return _page("Errors", "cvm", [intro, *(f".. autoexception:: {name}\n{options}" for name in names)])


# Actions -------------------------------------------------------------------------------------------------------------


def _action(name: str, signature: str) -> str:
    """One action, with the types of its request and answer."""
    answer = signature.rpartition(".")[2]
    wire = answer.removesuffix("Response")
    lines = [*_section(wire), f".. py:method:: Client.{name}{signature}", ""]
    lines += _indented(docstring(inspect.getdoc(getattr(cvm.Client, name)) or ""))
    lines += [f"   It is awaited as :meth:`AsyncClient.{name}`.", ""]
    for kind, says in [(f"{wire}Request", "The parameters as a dictionary"), (answer, "The answer")]:
        if hasattr(types, kind):
            lines += [f".. py:class:: {kind}", "   :module: cvm.types", "", f"   {says}: see :meth:`cvm.Client.{name}`.", ""]
    return "\n".join(lines)


def _async_actions(groups: dict[str, list[str]]) -> str:
    """All actions of the async client, each with its first sentence."""
    lines = ["The methods of :class:`Client`, to be awaited.", ""]
    for group, title, _ in GROUPS:
        lines += _section(title)
        for name in groups[group]:
            summary = _prose((inspect.getdoc(getattr(cvm.AsyncClient, name)) or "").split("\n\n")[0])
            lines += [f".. py:method:: AsyncClient.{name}(...)", "   :async:", ""]
            lines += [f"   {summary} See :meth:`Client.{name}`.", ""]
    return _page("Actions of AsyncClient", "cvm", ["\n".join(lines)])


def _signatures() -> dict[str, str]:
    """The signature of each action of the blocking client, as the stub has it."""
    stub = ast.parse(Path(_actions.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    actions = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "Actions")
    out = {}
    for node in actions.body:
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            node.args.args = []
            signature = f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
            out[node.name] = re.sub(r"\btypes\.", "cvm.types.", signature)
    return out


# Descriptions --------------------------------------------------------------------------------------------------------

#: One entry of a section of a docstring: a name, perhaps a type, and what there is to be said.
_ENTRY = re.compile(r"(?P<name>`[^`]*`|\w+)(?: \((?P<type>.*?)(?P<required>, required)?\))?: (?P<says>.*)")


def docstring(doc: str) -> list[str]:
    """A docstring with sections as reStructuredText."""
    lines: list[str] = []
    for block in filter(None, doc.split("\n\n")):
        head, _, rest = block.partition("\n")
        if head == "Parameters:":
            for entry in _entries(rest):
                required = "Required. " if entry["required"] else ""
                lines.append(f":param {entry['name']}: {required}{_prose(entry['says'])}")
        elif head == "Returns:":
            lines.append(":returns:")
            for entry in _entries(rest):
                lines.append(f"   - **{entry['name']}** ({_linked(entry['type'])}): {_prose(entry['says'])}")
        elif head == "Raises:":
            for entry in _entries(rest):
                codes = ", ".join(f"``{code}``" for code in entry["says"].split(", "))
                lines.append(f":raises cvm.{entry['name']}: {codes}")
        elif head == "Known values:":
            lines += [f"- {_prose(entry['name'])}: {_prose(entry['says'])}" for entry in _entries(rest)]
        elif "``" in block or re.search(r":\w+:`", block):
            # Written by hand, as reStructuredText.
            lines += block.splitlines()
        else:
            lines.append(_prose(block))
        lines.append("")
    return lines


def _entries(section: str) -> list[re.Match[str]]:
    """The entries of a section, whose texts may go on over several lines."""
    lines = re.sub(r"\n {5,}", " ", section).splitlines()
    found = [(line, _ENTRY.fullmatch(line.strip())) for line in lines]
    wrong = [line for line, entry in found if entry is None]
    if wrong:
        raise ValueError(f"not an entry of a docstring's section: {wrong[0]!r}")
    return [entry for _, entry in found if entry is not None]


def _prose(text: str) -> str:
    """Text in which single back-ticks mark code and nothing else is markup."""
    parts = " ".join(text.split()).split("`")
    parts[::2] = [re.sub(r"([*_|\\])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"``{part}``" for part in parts[1::2]]
    return "".join(parts)


def _linked(kind: str) -> str:
    """A type in a docstring, with a link to what is in ``cvm.types``."""
    words = re.split(r"(\w+)", kind)
    words[1::2] = [f":class:`~cvm.types.{word}`" if hasattr(types, word) else word for word in words[1::2]]
    return r"\ ".join(word for word in words if word)


# Types ---------------------------------------------------------------------------------------------------------------


def _is_of_action(name: str) -> bool:
    """Whether a type is an action's own request or answer, which stands with the action."""
    return hasattr(types, re.sub("(Request|Response)$", "", name) + "Response")


def _definitions(module: ModuleType) -> dict[str, tuple[bool, str]]:
    """The public classes and aliases of a module of types: whether it is a class, and its description."""
    source = inspect.getsource(module)
    members: dict[str, list[str]] = {}
    out = {}
    for node, doc in _with_docs(ast.parse(source).body):
        if isinstance(node, ast.ClassDef):
            # What a class inherits from private ones is its own to a reader.
            inherited = [line for base in node.bases for line in members.get(ast.unparse(base), [])]
            members[node.name] = inherited + _members(node, module)
            name, kind, doc = node.name, "class", ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, kind = node.targets[0].id, "data"
            doc = doc or _comment_above(node, source)
        else:
            continue
        if not name.startswith("_"):
            lines = [f".. py:{kind}:: {name}", "", *_indented(docstring(doc)), *_indented(members.get(name, []))]
            out[name] = kind == "class", "\n".join(lines)
    return out


def _members(node: ast.ClassDef, module: ModuleType) -> list[str]:
    lines = []
    for member, doc in _with_docs(node.body):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            kind = ast.unparse(_Whole(module).visit(member.annotation))
            lines += [f".. py:attribute:: {member.target.id}", f"   :type: {kind}", "", *_indented(docstring(doc)), ""]
    return lines


class _Whole(ast.NodeTransformer):
    """Gives the names of a module's own types their whole length."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.values = {name for name, value in vars(module).items() if get_origin(value) in (Literal, Union)}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        own = getattr(self.module, node.id, None)
        public = node.id.lstrip("_")
        if self.module is not types and hasattr(cvm, public):
            return ast.Name(f"cvm.{public}")
        is_own = getattr(own, "__module__", None) == self.module.__name__ or public in self.values
        return ast.Name(f"{self.module.__name__}.{public}") if is_own else node


def _comment_above(node: ast.stmt, source: str) -> str:
    """What the comment directly above a statement says, if it is one for readers: ``#: ...``."""
    lines: list[str] = []
    for line in reversed(source.splitlines()[: node.lineno - 1]):
        if not line.startswith("#:"):
            break
        lines.insert(0, line.removeprefix("#:").strip())
    return "\n".join(lines)


def _with_docs(body: list[ast.stmt]) -> list[tuple[ast.stmt, str]]:
    """Statements, each with the text that stands behind it."""
    out = []
    for node, after in zip(body, [*body[1:], ast.Pass()]):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        out.append((node, inspect.cleandoc(str(after.value.value)) if is_text else ""))
    return out


def _indented(lines: list[str]) -> list[str]:
    return ["   " + line if line else "" for line in lines]
