"""Files that git calls new, as items, chosen by the rules for files below a folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clipfake.errors import UsageError
from clipfake.sources.archives.expand import expanded
from clipfake.sources.git import Changed, Kind, Repository
from clipfake.sources.ignore import Ignored, Ignoring
from clipfake.sources.item import Item
from clipfake.sources.select import HIDDEN, IGNORED, PassedOver, Selection


@dataclass(frozen=True)
class Changes:
    """What git is asked for.

    Attributes:
        since: a branch, tag or commit; files changed since the present branch left it.
        staged: files that the next commit changes.
    """

    since: str | None = None
    staged: bool = False


@dataclass(frozen=True)
class _Root:
    """A file or folder that was named.

    Attributes:
        given: as it was named; None for what one stands in.
        real: absolute, without links.
    """

    given: str | None
    real: str

    def name(self, path: str) -> str:
        """What one would open a file below it by, from the present folder."""
        if self.given is None:
            return os.path.relpath(path)
        below = os.path.relpath(path, self.real)
        if below == os.curdir:
            return self.given
        plain = os.path.normpath(self.given) == os.curdir
        return below if plain else os.path.join(self.given, below)


class ChangedFiles:
    """What git calls new below files and folders."""

    def __init__(self, paths: Sequence[str], changes: Changes) -> None:
        """Find the repository, and the commit that is asked about.

        Args:
            paths: files and folders of one repository; none for all of that which one stands in.
            changes: what is asked.

        Raises:
            UsageError: git is not there, a path is in no repository, or there is no such commit.
        """
        first = os.path.abspath(paths[0]) if paths else os.fsdecode(os.getcwdb())
        self._repository = Repository(first if os.path.isdir(first) else os.path.dirname(first))
        top, since = self._repository.top, changes.since
        self._base = None if since is None else self._repository.base(since)
        roots = [_Root(path, os.path.realpath(path)) for path in paths] or [_Root(None, top)]
        # the innermost that holds a file names it
        self._roots = sorted(roots, key=lambda root: -len(root.real))
        for root in self._roots:
            if root.real != top and not root.real.startswith(top.rstrip(os.sep) + os.sep):
                text = f"{root.given}: not in the repository {top}; name files and folders of it"
                raise UsageError(text)

    def items(self, selection: Selection, passed_over: PassedOver) -> Iterator[Item]:
        """Items of the files, and of the members of archives among them.

        Args:
            selection: which are taken; a file that was named outright is.
            passed_over: counts the others, by kind.

        Raises:
            UsageError: git fails.
        """
        folders = [root.real for root in self._roots]
        found = (
            self._repository.staged(folders)
            if self._base is None
            else self._repository.changed_since(self._base, folders)
        )
        rules = {folder: _rules(selection, folder) for folder in folders}
        for changed in found:
            if changed.kind is Kind.SUBMODULE or (
                changed.kind is Kind.LINK and not selection.follow_symlinks
            ):
                passed_over[changed.kind.value] += 1
                continue
            held = (each for each in self._roots if _holds(each.real, changed.path))
            root = next(held, self._roots[-1])
            bound = rules[root.real]
            yield from self._items(changed, root, bound, passed_over)
            yield from bound.ignored.faults() if bound.ignored else ()

    def _items(
        self, changed: Changed, root: _Root, selection: Selection, passed_over: PassedOver
    ) -> Iterator[Item]:
        if root.real == changed.path:
            item = Item(root.name(changed.path), content=changed.blob)
            yield from expanded(item, selection, passed_over=passed_over)
            return
        below = os.path.relpath(changed.path, root.real)
        parts = below.replace(os.sep, "/").split("/")
        folders = ["/".join(parts[:end]) for end in range(1, len(parts))]
        for folder in folders:
            if not selection.enters(folder):
                passed_over[HIDDEN] += selection.hides(folder, is_folder=True)
                return
        relative = "/".join(parts)
        if not selection.enters(relative):  # an archive may hold what is taken
            passed_over[HIDDEN] += selection.hides(relative)
            return
        if selection.ignores(relative):
            passed_over[IGNORED] += 1
            return
        item = Item(root.name(changed.path), content=changed.blob)
        taken = selection.takes_file(relative)
        yield from expanded(item, selection, below=relative, taken=taken, passed_over=passed_over)


def _rules(selection: Selection, folder: str) -> Selection:
    """A selection with the ignore files that count below a folder."""
    none = selection.ignoring is Ignoring.NONE or not os.path.isdir(folder)
    return replace(selection, ignored=None if none else Ignored(folder))


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
