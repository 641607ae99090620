"""What git says is new: files changed since a commit, and files staged for the next one.

Git itself is asked, with a list of arguments and never through a shell.
"""

import os
import subprocess  # nosec B404
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import IO

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.sources.content import Carried, CarriedReader

_MOST_NAME = 2**16
_CHUNK = 2**16
# what a repository's own settings could make git run, or say otherwise; no other machine is asked
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "protocol.allow=never")
# a file that was renamed is one that came and one that went: either way its present name is told,
# and no bytes have to be compared, which a clone without all of them would fetch
_DIFF = (
    *("diff", "--raw", "-z", "--no-abbrev", "--no-renames"),
    *("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"),
)
_ADDED_OR_CHANGED, _UNLIKE = "--diff-filter=AMT", "--diff-filter=AMTD"
_NAMES = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
_FILES = ("100644", "100755")
_LINK, _SUBMODULE = "120000", "160000"


class Kind(str, Enum):
    """What an entry of git's is; the values are what is said of those passed over."""

    FILE = "files"
    LINK = "symbolic links"
    SUBMODULE = "submodules"


@dataclass(frozen=True)
class Changed:
    """A file that git names.

    Attributes:
        path: absolute.
        kind: what it is.
        blob: its bytes as they are staged, where the working tree has others; None where the file
            itself is meant.
    """

    path: str
    kind: Kind = Kind.FILE
    blob: "Blob | None" = None


@dataclass(frozen=True)
class Blob:
    """Bytes that git keeps.

    Attributes:
        folder: of the repository.
        name: of the object, hex.
    """

    folder: str
    name: str

    @contextmanager
    def open(self) -> Iterator["BlobReader"]:
        """Ask git how many they are; they are read when they are asked for.

        Raises:
            ImageError: git does not give them.
        """
        yield BlobReader(self)


class BlobReader:
    """Bytes that git keeps, read in order; all come at once, so their number is asked before."""

    def __init__(self, blob: Blob) -> None:
        self._blob, self._repository = blob, Repository(blob.folder)
        self._data: CarriedReader | None = None
        try:
            self.size = int(self._repository.ask("cat-file", "-s", blob.name))
        except (UsageError, ValueError) as error:
            raise ImageError(ErrorCode.UNREADABLE, f"git does not give it ({error})") from error

    def peek(self, count: int) -> bytes:
        """The first bytes, up to ``count``."""
        return self._all().peek(count)

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        return self._all().read(count)

    def _all(self) -> CarriedReader:
        if self._data is None:
            try:
                data = self._repository.run("cat-file", "blob", self._blob.name)
            except UsageError as error:
                raise ImageError(ErrorCode.UNREADABLE, f"git does not give it ({error})") from error
            self._data = CarriedReader(Carried(data, len(data)))
        return self._data


@dataclass(frozen=True)
class Repository:
    """A repository, asked by git itself.

    Attributes:
        folder: somewhere in its working tree.
    """

    folder: str

    @cached_property
    def top(self) -> str:
        """The root of its working tree, absolute.

        Raises:
            UsageError: git is not there, the folder is in no repository, or git refuses it.
        """
        return self.ask("rev-parse", "--show-toplevel")

    def changed_since(self, base: str, folders: Sequence[str] = ()) -> Iterator[Changed]:
        """Files of the working tree that differ from a commit.

        Args:
            base: the commit, as ``base`` gives it.
            folders: absolute, without links, below which files are told; none for all.

        Yields:
            Files that git tracks and that were added, changed or moved, by their present names.

        Raises:
            UsageError: git fails.
        """
        for change in self._diff(base, _ADDED_OR_CHANGED, folders=folders):
            yield replace(change, blob=None)

    def staged(self, folders: Sequence[str] = ()) -> Iterator[Changed]:
        """Files that the next commit adds, changes or moves, with the bytes that it will have.

        Args:
            folders: absolute, without links, below which files are told; none for all.

        Raises:
            UsageError: as ``top``.
        """
        unlike = {change.path for change in self._diff(_UNLIKE, folders=folders)}
        for change in self._diff("--cached", _ADDED_OR_CHANGED, folders=folders):
            if change.path in unlike:
                yield change
            else:  # the file as it is checked out, where Git LFS and filters have been at work
                yield replace(change, blob=None)

    def base(self, ref: str) -> str:
        """The last commit that the present one has in common with another.

        From there on what others did since does not count as changed.

        Args:
            ref: a branch, tag or commit.

        Raises:
            UsageError: there is no such commit here, or none in common.
        """
        if ref.startswith("-") or not ref or not ref.isprintable():
            raise UsageError(f"--changed-since {ref}: no name of a commit; give a branch or a tag")
        where = f"--changed-since {ref}"
        commit = self._try("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if commit is None:
            remedy = f"git fetch origin {ref.removeprefix('origin/')}"
            if self._is_shallow():
                remedy = f"this clone is shallow, fetch all of it: {_DEEPEN}"
            raise UsageError(f"{where}: no such commit here; {remedy}")
        base = self._try("merge-base", commit, "HEAD")
        if base is None:
            if self._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
                raise UsageError(f"{where}: nothing is committed yet; use --staged")
            remedy = "it has another history; name a commit of this one"
            if self._is_shallow():
                remedy = f"this clone is shallow, fetch all of it: {_DEEPEN}"
            raise UsageError(f"{where}: no commit in common with the present one; {remedy}")
        return base.splitlines()[0]

    def _is_shallow(self) -> bool:
        return self._try("rev-parse", "--is-shallow-repository") == "true"

    def _diff(self, *of: str, folders: Sequence[str]) -> Iterator[Changed]:
        """Entries of ``git diff --raw -z``: modes, objects and a status, then a name."""
        wanted = [os.path.relpath(folder, self.top) for folder in folders]
        parts = self._split("-C", self.top, *_DIFF, *of, "--", *wanted)
        for head in parts:
            _, mode, _, blob, _ = head.removeprefix(":").split(" ")
            path = os.path.join(self.top, next(parts, ""))
            yield Changed(path, _kind(mode), Blob(self.top, blob) if mode in _FILES else None)

    def _split(self, *command: str) -> Iterator[str]:
        """What a command says between zero bytes."""
        rest = b""
        with self._started(*command) as (process, out):
            while data := out.read(_CHUNK):
                *whole, rest = (rest + data).split(b"\0")
                yield from (os.fsdecode(each) for each in whole)
                if len(rest) > _MOST_NAME:
                    raise UsageError(f"{self.folder}: git names a file that no system would")
            self._check(process)

    def ask(self, *command: str) -> str:
        """What a command says, without the line feed at its end.

        Raises:
            UsageError: git fails.
        """
        return os.fsdecode(self.run(*command)).rstrip("\n")

    def run(self, *command: str) -> bytes:
        """The output of a command.

        Raises:
            UsageError: git fails.
        """
        with self._started(*command) as (process, out):
            said = out.read()
            self._check(process)
        return said

    def _try(self, *command: str) -> str | None:
        """What a command says; None where it fails by its answer alone."""
        _ = self.top  # there is a repository, and git reads it
        try:
            return self.ask(*command)
        except UsageError:
            return None

    @contextmanager
    def _started(self, *command: str) -> Iterator[tuple["_Process", IO[bytes]]]:
        """A command that runs, and its output; it is ended with the block."""
        # names of files are names, whatever characters they have; no lock, no question, no pager
        environment = {
            **os.environ,
            **_absolute(os.environ),
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        # what git complains of goes to a file: it may be a line a file, more than a pipe holds
        with tempfile.TemporaryFile() as complaints:
            try:
                process = subprocess.Popen(  # noqa: S603  # nosec B603, B607
                    ["git", "--no-pager", *_SETTINGS, *command],  # noqa: S607
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                )
            except FileNotFoundError as error:
                if not os.path.isdir(self.folder):
                    raise UsageError(f"{self.folder}: no such folder") from error
                raise UsageError(
                    "git is not installed, and it alone knows what changed; install it, or name "
                    "files instead"
                ) from error
            except OSError as error:
                raise UsageError(f"git cannot be run ({error.strerror or error})") from error
            out = process.stdout
            if out is None:
                raise UsageError("git cannot be run (it has no output)")
            try:
                yield _Process(process, complaints), out
            finally:
                process.kill()
                process.wait()
                out.close()

    def _check(self, process: "_Process") -> None:
        if process.popen.wait():
            process.complaints.seek(0)
            raise self._failed(process.complaints.read(_CHUNK))

    def _failed(self, said: bytes) -> UsageError:
        """What git said, with what to do."""
        text = " ".join(said.decode("utf-8", "backslashreplace").split()).removeprefix("fatal: ")
        if "not a git repository" in text:
            return UsageError(f"{self.folder}: in no git repository; go into one, or name files")
        if "dubious ownership" in text:
            return UsageError(
                f"{self.folder}: git reads no repository of another user; allow it with "
                f"git config --global --add safe.directory {self.folder}"
            )
        if "work tree" in text:
            return UsageError(f"{self.folder}: a repository without files; go into a working tree")
        return UsageError(f"git failed in {self.folder}: {text or 'without a word'}")


_DEEPEN = "git fetch --unshallow, or fetch-depth: 0 (GitHub), GIT_DEPTH: 0 (GitLab)"


@dataclass(frozen=True)
class _Process:
    """A git that runs, and the file that it complains to."""

    popen: "subprocess.Popen[bytes]"
    complaints: IO[bytes]


def _absolute(environment: Mapping[str, str]) -> dict[str, str]:
    """Names that git gives its hooks, which are relative to where a hook runs."""
    given = {name: environment[name] for name in _NAMES if environment.get(name)}
    return {name: os.path.abspath(value) for name, value in given.items()}


def _kind(mode: str) -> Kind:
    return {_LINK: Kind.LINK, _SUBMODULE: Kind.SUBMODULE}.get(mode, Kind.FILE)


def user_name() -> str:
    """The name that git commits by in the present folder; empty where there is none, or no git."""
    try:
        return Repository(os.curdir).ask("config", "--get", "user.name")
    except UsageError:
        return ""
