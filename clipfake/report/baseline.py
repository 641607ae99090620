"""The baseline: findings that somebody has looked at and accepted, kept in a file for git.

JSON Lines: a line that names the format, then one for each entry, sorted, without times, so that
two branches that add entries merge. An entry knows a finding by the bytes of the file and the rule,
whatever the file is called.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from clipfake.errors import UsageError
from clipfake.report.files import check_writable, partial_path, publish, report_error
from clipfake.report.places import Places
from clipfake.report.rules import INCONCLUSIVE, RULES, is_told, rule_of
from clipfake.report.text import printable

VERSION = 1
KNOWN = "known"  # said of a finding whose entry gives no reason
_HEAD = "clipfake_baseline"
_MOST_BYTES = 256 * 2**20
_MOST_LINE = 64 * 2**10
_MOST_TEXT = 2000  # characters of a path, a reason or a name
_MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_TEXTS = ("path", "reason", "who")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# rules for pictures that declare an AI origin: which of them holds depends on whether, and by which
# model, pixels were looked at, and who accepts one accepts the picture with what it declares
_DECLARED = frozenset({"ai-declared", "ai-both", "ai-conflict"})


@dataclass(frozen=True, order=True)
class Entry:
    """A finding that is accepted.

    Attributes:
        sha256: of the file's bytes, hex.
        rule: what the finding is of, one of ``clipfake.report.rules.RULES``.
        path: where the file was, from the root of its repository; a hint for people.
        reason: why it is accepted; may be empty.
        who: accepted it; may be empty.
    """

    sha256: str
    rule: str
    path: str = ""
    reason: str = ""
    who: str = ""

    def line(self) -> str:
        """As the file has it, without the line feed."""
        return json.dumps(asdict(self), ensure_ascii=False)


class Baseline:
    """Entries, and which of them were met.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, entries: Iterable[Entry] = ()) -> None:
        """Begin with entries; of those with the same bytes and rule the first counts."""
        self.path = path
        self._entries: dict[tuple[str, str], Entry] = {}
        for entry in sorted(entries):
            self._entries.setdefault((entry.sha256, entry.rule), entry)
        self._met: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def mark(self, row: dict[str, Any]) -> None:
        """Say in a report's row why the baseline suppresses it; null for what it does not know."""
        entry = self.knows(row)
        if entry is None:
            row["suppressed"] = None
            return
        self._met.add((entry.sha256, entry.rule))
        row["suppressed"] = entry.reason or KNOWN

    def knows(self, row: Mapping[str, Any]) -> Entry | None:
        """The entry that accepts a row's finding, if there is one."""
        rule, sha256 = rule_of(row), row["sha256"]
        if rule is None or sha256 is None:
            return None
        rules = [rule.id, *sorted(_DECLARED - {rule.id})] if rule.id in _DECLARED else [rule.id]
        found = (self._entries.get((sha256, each)) for each in rules)
        return next((entry for entry in found if entry is not None), None)

    def unmet(self) -> list[Entry]:
        """Entries that none of the rows marked so far matched, by their paths."""
        found = (entry for key, entry in self._entries.items() if key not in self._met)
        return sorted(found, key=lambda entry: (entry.path, entry))

    def write(self) -> None:
        """Write the file; it changes all at once.

        Raises:
            UsageError: it cannot lie there.
            ReportError: it cannot be written.
        """
        unfinished = partial_path(self.path)
        check_writable(self.path, [unfinished])
        try:
            with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps({_HEAD: VERSION}) + "\n")
                file.writelines(entry.line() + "\n" for entry in self)
        except OSError as error:
            raise report_error(self.path, error) from error
        publish(self.path)


@dataclass
class Change:
    """What an update did.

    Attributes:
        added: entries for findings that were not known.
        moved: entries whose hint of a path changed.
        dropped: entries that no finding matched, and that were deleted.
        unmet: entries that no finding matched, and that stay.
        without_hash: findings that cannot be kept, since their bytes were not read.
    """

    added: int = 0
    moved: int = 0
    dropped: int = 0
    unmet: int = 0
    without_hash: int = 0


def updated(
    old: Baseline,
    rows: Iterable[tuple[Mapping[str, Any], Places]],
    *,
    undecided: bool = False,
    reason: str = "",
    who: str = "",
    prune: bool = False,
) -> tuple[Baseline, Change]:
    """A baseline that knows the findings of reports.

    Args:
        old: its entries stay, with their reasons; paths become those of the rows.
        rows: of reports, with the places of their scan.
        undecided: keep pictures that are not decided, too.
        reason: of entries that are new.
        who: of entries that are new.
        prune: delete entries that no row matches.

    Returns:
        The baseline, not yet written, and what is different in it.
    """
    asked = frozenset({INCONCLUSIVE} if undecided else ())
    change, entries = Change(), {(entry.sha256, entry.rule): entry for entry in old}
    paths: dict[tuple[str, str], set[str]] = {}
    for row, places in rows:
        rule = rule_of(row)
        if rule is None or not is_told(row, asked):
            continue
        if row["sha256"] is None:
            change.without_hash += 1
            continue
        known = old.knows(row)
        entry = known or Entry(row["sha256"], rule.id, "", _one_line(reason), _one_line(who))
        key = (entry.sha256, entry.rule)
        change.added += key not in entries
        entries.setdefault(key, entry)
        paths.setdefault(key, set()).add(places.of(row).text[:_MOST_TEXT])
    for key, found in paths.items():
        entry = entries[key]
        if entry.path not in found:  # of several copies the first by name, whatever the order
            change.moved += bool(entry.path)
            entries[key] = replace(entry, path=min(found))
    unmet = entries.keys() - paths.keys()
    change.dropped, change.unmet = (len(unmet), 0) if prune else (0, len(unmet))
    kept = [entry for key, entry in entries.items() if not (prune and key in unmet)]
    return Baseline(old.path, kept), change


def read_baseline(path: Path) -> Baseline:
    """Read a baseline's file.

    Raises:
        UsageError: it is not there, holds conflict markers of git, or is no baseline; the message
            names the line and what to do.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES:
                raise UsageError(f"{path}: {size} bytes, no baseline is so large; check the name")
            lines = [part.strip() for part in file.read(_MOST_BYTES + 1).split(b"\n")]
    except FileNotFoundError as error:
        text = f"{path}: no such baseline; clipfake baseline create makes one of a report"
        raise UsageError(text) from error
    except OSError as error:
        raise UsageError(f"{path}: baseline cannot be read ({error.strerror or error})") from error
    lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    entries, headed = [], False
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        where = f"{path}:{number}"
        values = _object(line, where)
        if _HEAD in values:
            _check_version(values[_HEAD], where)
            headed = True
        elif not headed:
            raise UsageError(f"{where}: no baseline; clipfake baseline create makes one")
        else:
            entries.append(_entry(values, where))
    if not headed:
        raise UsageError(f"{path}: empty, no baseline; clipfake baseline create makes one")
    return Baseline(path, entries)


def _object(line: bytes, where: str) -> dict[str, Any]:
    if line.startswith(tuple(marker.encode() for marker in _MARKERS)):
        raise UsageError(
            f"{where}: a conflict marker of git; keep the lines of both sides, delete the markers "
            "(no line depends on another)"
        )
    try:
        values = json.loads(line) if len(line) <= _MOST_LINE else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UsageError(f"{where}: no entry of a baseline; mend or delete the line")
    return values


def _check_version(version: Any, where: str) -> None:
    if version != VERSION:
        text = printable(str(version))[:20]
        raise UsageError(
            f"{where}: a baseline of version {text}, this clipfake reads {VERSION}; "
            "use the clipfake that wrote it, or make it anew"
        )


def _entry(values: dict[str, Any], where: str) -> Entry:
    names = [field.name for field in fields(Entry)]
    if unknown := sorted(set(values) - set(names)):
        name = printable(unknown[0])[:40]
        raise UsageError(f"{where}: unknown key {name}; an entry has {', '.join(names)}")
    for name in names:
        value = values.get(name, "")
        if not isinstance(value, str) or len(value) > _MOST_TEXT:
            raise UsageError(f"{where}: {name} is no text of at most {_MOST_TEXT} characters")
    sha256 = values.get("sha256", "").lower()
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{where}: sha256 is not 64 hex digits; mend or delete the line")
    if values.get("rule") not in RULES:
        raise UsageError(f"{where}: no such rule; use one of {', '.join(RULES)}")
    texts = {name: printable(values.get(name, ""))[:_MOST_TEXT] for name in _TEXTS}
    return Entry(sha256, values["rule"], **texts)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:_MOST_TEXT]
