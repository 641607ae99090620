"""ComfyUI's graphs: the executed ``prompt`` and the editor's ``workflow``, as one kind of graph.

The executed graph maps node identifiers to ``class_type`` and ``inputs``, whose values are
literals or links ``[node, output]``. The editor's has lists of nodes, each with its ``mode``, and
of links; subgraphs stand under ``definitions`` (ComfyUI frontend, workflow JSON schema 0.4 and 1).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipfake.metadata.generators.found import plain

MAX_NODES = 20_000
_MAX_DEPTH = 8  # of subgraphs
_MUTED, _BYPASSED = 2, 4
_ENTRY, _EXIT = -10, -20  # the nodes by which links enter and leave a subgraph
Source = tuple[str, int]  # a node's key and the number of its output


@dataclass
class Node:
    """A node of either graph.

    Attributes:
        kind: its type's name.
        links: sources by the input's name.
        types: of the links by the input's name; the executed graph tells none.
        values: literals by the input's name; the editor's graph names none.
        widgets: number of literals.
        makes: types of the outputs; the executed graph tells none.
        through: where the node itself does nothing, as muted, bypassed and virtual ones, what its
            outputs take on; None for a node that runs.
        within: types of the nodes that a group node stands for.
    """

    kind: str
    links: dict[str, Source] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    widgets: int = 0
    makes: frozenset[str] = frozenset()
    through: dict[int, list[Source]] | None = None
    within: frozenset[str] = frozenset()


Graph = dict[str, Node]


def executed_graph(prompt: Mapping[str, Any]) -> Graph:
    """The graph that ran; empty for any other object. Nodes are no more than ``MAX_NODES``."""
    graph: Graph = {}
    for key, value in prompt.items():
        if not isinstance(value, dict) or len(graph) == MAX_NODES:
            continue
        kind, inputs = value.get("class_type"), value.get("inputs")
        if not isinstance(kind, str) or not isinstance(inputs, dict):
            continue
        links: dict[str, Source] = {}
        values: dict[str, Any] = {}
        for name, given in inputs.items():
            if _is_link(given):
                links[name] = (str(given[0]), given[1])
            else:
                values[name] = given
        graph[str(key)] = Node(kind, links, values=values, widgets=len(values))
    return graph


def _is_link(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], int)
    )


def edited_graph(workflow: Mapping[str, Any]) -> Graph:
    """The graph of the editor, its subgraphs unfolded; empty for any other object."""
    if not isinstance(workflow.get("nodes"), list):
        return {}
    listed = workflow.get("definitions")
    subgraphs = listed.get("subgraphs") if isinstance(listed, dict) else None
    definitions = {
        plain(each.get("id")): each
        for each in (subgraphs if isinstance(subgraphs, list) else ())
        if isinstance(each, dict)
    }
    graph: Graph = {}
    _unfold(workflow, definitions, "", {}, graph, _MAX_DEPTH)
    extra = workflow.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, dict) else None
    for node in graph.values():  # group nodes, which came before subgraphs
        name = re.fullmatch(r"workflow[>/](.+)", node.kind)
        if name and isinstance(groups, dict):
            node.within = _kinds(groups.get(name[1]))
    return graph


def _kinds(group: object) -> frozenset[str]:
    """Types of the nodes that run in a group node."""
    nodes = group.get("nodes") if isinstance(group, dict) else None
    return frozenset(
        plain(each.get("type"))
        for each in _objects_or_lists(nodes)
        if isinstance(each, dict) and each.get("mode") not in (_MUTED, _BYPASSED)
    )


def _unfold(
    level: Mapping[str, Any],
    definitions: Mapping[str, Mapping[str, Any]],
    prefix: str,
    entering: Mapping[int, Source],
    graph: Graph,
    depth: int,
) -> dict[int, list[Source]]:
    """Put the nodes of a graph or subgraph into ``graph``.

    Args:
        level: the graph or subgraph.
        definitions: subgraphs by identifier.
        prefix: of the keys of its nodes.
        entering: what its inputs take, by number.
        graph: gets the nodes.
        depth: levels that may yet be unfolded.

    Returns:
        What its outputs give, by number.
    """
    links: dict[int, tuple[Source, str]] = {}
    leaving: dict[int, list[Source]] = {}
    for link in _objects_or_lists(level.get("links")):
        read = _link(link)
        if read is None:
            continue
        number, origin, slot, target, target_slot, kind = read
        source = entering.get(slot) if origin == str(_ENTRY) else (prefix + origin, slot)
        if source is None:
            continue
        links[number] = (source, kind)
        if target == str(_EXIT):
            leaving.setdefault(target_slot, []).append(source)
    stored: dict[str, list[Source]] = {}  # by the names that SetNode gives
    readers: list[tuple[Node, str]] = []
    for each in _objects_or_lists(level.get("nodes")):
        if not isinstance(each, dict) or len(graph) >= MAX_NODES:
            continue
        node, taken = _node(each, links)
        graph[prefix + plain(each.get("id"))] = node
        mode = each.get("mode")
        if mode == _MUTED:
            node.through = {}
        elif mode == _BYPASSED:
            node.through = _bypass(each, node)
        elif node.kind == "SetNode":
            stored[_first_widget(each)] = list(node.links.values())
            node.through = {0: list(node.links.values())}
        elif node.kind == "GetNode":
            readers.append((node, _first_widget(each)))
        elif node.kind in definitions and depth:
            inside = f"{prefix}{plain(each.get('id'))}:"
            node.through = _unfold(
                definitions[node.kind], definitions, inside, taken, graph, depth - 1
            )
    for node, name in readers:
        node.through = {0: stored.get(name, [])}
    return leaving


def _node(
    each: Mapping[str, Any], links: Mapping[int, tuple[Source, str]]
) -> tuple[Node, dict[int, Source]]:
    """A node of the editor, and its sources by the number of the input."""
    node = Node(plain(each.get("type")))
    taken: dict[int, Source] = {}
    for number, entry in enumerate(_objects_or_lists(each.get("inputs"))):
        link = entry.get("link") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(link, int) and link in links:
            source, kind = links[link]
            name = plain(entry.get("name")) or str(number)
            node.links[name] = taken[number] = source
            node.types[name] = plain(entry.get("type")) or kind
    node.makes = frozenset(
        plain(entry.get("type"))
        for entry in _objects_or_lists(each.get("outputs"))
        if isinstance(entry, dict)
    )
    widgets = each.get("widgets_values")
    node.widgets = len(widgets) if isinstance(widgets, (list, dict)) else 0
    if isinstance(widgets, dict):
        node.values = widgets
    return node, taken


def _bypass(each: Mapping[str, Any], node: Node) -> dict[int, list[Source]]:
    """A bypassed node hands on the inputs that have an output's type."""
    through: dict[int, list[Source]] = {}
    for number, entry in enumerate(_objects_or_lists(each.get("outputs"))):
        kind = plain(entry.get("type")) if isinstance(entry, dict) else ""
        same = [node.links[name] for name, other in node.types.items() if other == kind]
        through[number] = same[:1]
    return through


def _first_widget(each: Mapping[str, Any]) -> str:
    widgets = each.get("widgets_values")
    return plain(widgets[0]) if isinstance(widgets, list) and widgets else ""


def _link(link: object) -> tuple[int, str, int, str, int, str] | None:
    """Number, origin and its output, target and its input, and type, of either way to write it."""
    if isinstance(link, dict):
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        values = [link.get(name) for name in names]
        kind = link.get("type")
    elif isinstance(link, list) and len(link) >= 5:
        values, kind = link[:5], link[5] if len(link) > 5 else ""
    else:
        return None
    number, origin, slot, target, target_slot = values
    if not (isinstance(number, int) and isinstance(slot, int) and isinstance(target_slot, int)):
        return None
    return number, plain(origin), slot, plain(target), target_slot, plain(kind)


def _objects_or_lists(value: object) -> Iterable[Any]:
    """Members of a list, or of an object that is keyed by number, as old workflows are."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_SWITCH = re.compile(r"switch|branch|if ?else|select", re.I)
_CHOICES = ("select", "index", "input", "selected", "choice")
_CONDITIONS = ("boolean", "condition", "cond", "switch", "state", "value")
_YES = ("on_true", "true", "tt_value", "true_value", "if_true")
_NO = ("on_false", "false", "ff_value", "false_value", "if_false")


def chosen_links(node: Node, first_of: frozenset[str]) -> dict[str, Source]:
    """Links that a node passes on: all, or the one that a switch's own setting chooses.

    Args:
        node: of the executed graph, where settings have names; others give all their links.
        first_of: types that take the first input that is connected.
    """
    if node.kind in first_of:
        return dict(list(node.links.items())[:1])
    if not _SWITCH.search(node.kind):
        return node.links
    values = {name.lower(): value for name, value in node.values.items()}
    for name in _CHOICES:
        number = values.get(name)
        if isinstance(number, int) and not isinstance(number, bool):
            kept = {
                key: source
                for key, source in node.links.items()
                if re.fullmatch(rf"[a-z_ ]*0*{number}", key.lower())
            }
            if kept:
                return kept
    for name in _CONDITIONS:
        if isinstance(values.get(name), bool):
            wanted = _YES if values[name] else _NO
            kept = {key: source for key, source in node.links.items() if key.lower() in wanted}
            if kept:
                return kept
    return node.links
