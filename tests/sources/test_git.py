"""What git calls new: its own answer, whatever names, settings and histories are."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from clipfake.errors import ErrorCode, ImageError, UsageError
from clipfake.sources import Changes, Item, Selection, Sources
from clipfake.sources.select import PassedOver
from tests.conftest import encoded, picture
from tests.sources.repository import POINTER, Repository

STAGED = Changes(staged=True)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with two pictures and a text, in which one stands."""
    made = Repository(tmp_path / "repo")
    made.write("words.txt", "words")
    made.commit("a.png", "in/b.png")
    monkeypatch.chdir(made.root)
    return made


def asked(
    changes: Changes, *paths: str, passed_over: PassedOver | None = None, **rules: object
) -> list[Item]:
    sources = Sources(paths, Selection(**rules), changes=changes)
    assert sources.only_lists
    items = list(sources)
    assert sources.count().files == len(items)
    if passed_over is not None:
        passed_over.update(+sources.passed_over)
    return items


def names(items: Sequence[Item]) -> list[str]:
    return sorted(item.path for item in items)


def read(item: Item) -> bytes:
    with item.open() as reader:
        return reader.read(2**30)


def test_changed_is_what_a_branch_adds(repo: Repository) -> None:
    repo.commit("gone.png", "moved.png", "retouched.png")
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("new.png", "in/deep/new.png")
    repo.git("mv", "moved.png", "in/elsewhere.png")
    repo.git("mv", "retouched.png", "in/touched.png")
    with open(repo.root / "in" / "touched.png", "ab") as file:
        file.write(b"more")
    repo.git("rm", "-q", "gone.png")
    repo.write("a.png", seed=99)
    repo.commit()
    repo.write("words.txt", "other words")  # not committed, and of this branch all the same
    repo.git("checkout", "-q", "main", "--force")
    repo.commit("of others.png")
    repo.git("checkout", "-q", "topic")
    repo.write("words.txt", "other words")
    expected = [
        *("a.png", "in/deep/new.png", "in/elsewhere.png", "in/touched.png", "new.png"),
        "words.txt",
    ]
    assert names(asked(Changes("main"))) == expected
    assert names(asked(Changes("main"), ".")) == expected
    assert all(item.content is None for item in asked(Changes("main")))


def test_staged_is_what_the_next_commit_adds(repo: Repository) -> None:
    repo.write("new.png", seed=1)
    repo.write("loose.png", seed=2)
    repo.git("mv", "a.png", "in/moved.png")
    repo.git("add", "new.png")
    repo.git("rm", "-q", "words.txt")
    assert names(asked(STAGED)) == ["in/moved.png", "new.png"]


def test_the_first_commit_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    repo.write("a.png")
    repo.git("add", ".")
    assert names(asked(STAGED)) == ["a.png"]
    with pytest.raises(UsageError, match="--changed-since main: no such commit here"):
        asked(Changes("main"))


def test_staged_bytes_are_those_that_will_be_committed(repo: Repository) -> None:
    staged = {name: encoded(picture(seed=n)) for n, name in enumerate(("x.png", "y.png", "z.png"))}
    for name, data in staged.items():
        repo.write(name, data)
    repo.git("add", ".")
    repo.write("x.png", b"changed since")
    (repo.root / "y.png").unlink()
    found = {item.path: read(item) for item in asked(STAGED)}
    assert found == staged


def test_a_staged_size_is_known_before_it_is_read(repo: Repository) -> None:
    repo.write("x.png", b"x" * 5000)
    repo.git("add", ".")
    repo.write("x.png", b"y")
    [item] = asked(STAGED)
    with item.open() as reader:
        assert reader.size == 5000
        assert reader.peek(3) == b"xxx"
        assert reader.read(5001) == b"x" * 5000
        assert reader.read(1) == b""
    shutil.rmtree(repo.root / ".git" / "objects")
    with pytest.raises(ImageError, match="git does not give it") as caught, item.open():
        pass
    assert caught.value.code is ErrorCode.UNREADABLE


HOSTILE = (
    *("-o x.png", "--output=y", ":(top)z.png", "*.png", "a\nb.png", "q\"u'o.png", "h\u00e9.png"),
    *("t\tab.png", "back\\slash.png", " lead.png", "a -> b.png", os.fsdecode(b"raw\xff.png")),
)


def test_names_are_names(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    for name in HOSTILE:
        repo.write(name)
    repo.git("add", "-A")
    assert names(asked(STAGED)) == sorted(HOSTILE)
    for name in HOSTILE:
        assert names(asked(STAGED, f"./{name}")) == [f"./{name}"]
    repo.commit()
    assert names(asked(Changes("main"))) == sorted(HOSTILE)


def test_folders_and_rules_choose_among_them(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("x.png", "in/x.png", "in/x.gif", "in/.hid/x.png", "out/x.png", "out/thumbs/x.png")
    for name in wanted:
        repo.write(name)
    repo.write("out/.clipfakeignore", "thumbs/\n")
    repo.git("add", "-A")
    over = PassedOver()
    found = asked(STAGED, passed_over=over)
    assert names(found) == ["in/x.gif", "in/x.png", "out/x.png", "x.png"]
    assert over == {"hidden": 2, "named by .clipfakeignore": 1}
    assert names(asked(STAGED, "in", exclude=("*.gif",))) == ["in/x.png"]
    assert names(asked(STAGED, "in", "x.png", hidden=True)) == [
        *("in/.hid/x.png", "in/x.gif", "in/x.png", "x.png")
    ]
    assert names(asked(STAGED, str(repo.root / "out"))) == [f"{repo.root}/out/x.png"]
    monkeypatch.chdir(repo.root / "in")
    assert names(asked(STAGED)) == ["../out/x.png", "../x.png", "x.gif", "x.png"]
    assert names(asked(STAGED, ".")) == ["x.gif", "x.png"]
    # what is named is taken whatever the rules
    assert names(asked(STAGED, ".hid/x.png")) == [".hid/x.png"]


def test_a_link_to_the_repository_is_the_repository(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("repo")
    repo.write("x.png")
    repo.git("add", ".")
    assert names(asked(STAGED, str(tmp_path / "link"))) == [f"{tmp_path}/link/x.png"]


def test_links_and_submodules_are_counted(repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("x.png")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root))
    (repo.root / "link.png").symlink_to("a.png")
    repo.git("add", ".")
    over = PassedOver()
    assert asked(STAGED, passed_over=over) == []
    assert over == {"symbolic links": 1, "submodules": 1, "hidden": 1}
    assert names(asked(STAGED, follow_symlinks=True)) == ["link.png"]


def test_members_of_archives_are_looked_at(repo: Repository) -> None:
    import zipfile

    with zipfile.ZipFile(repo.root / "x.zip", "w") as file:
        file.writestr("m.png", encoded(picture()))
    repo.git("add", ".")
    assert names(asked(STAGED)) == ["x.zip!/m.png"]


def test_a_pointer_of_lfs_is_told_apart(repo: Repository) -> None:
    """What is checked out counts; without it the pointer is what there is, and it is told."""
    repo.git("config", "filter.lfs.clean", f"cat > /dev/null; printf '{POINTER}'")
    repo.git("config", "filter.lfs.smudge", "cat")
    repo.write(".gitattributes", "*.png filter=lfs\n")
    data = encoded(picture(seed=7))
    repo.write("x.png", data)
    repo.git("add", "x.png")
    assert repo.git("show", ":x.png") == POINTER
    [item] = asked(STAGED)
    assert read(item) == data
    (repo.root / "x.png").unlink()
    [item] = asked(STAGED)
    assert read(item) == POINTER.encode()


def test_what_a_repository_wants_run_is_not_run(repo: Repository, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv", "core.editor"):
        repo.git("config", key, str(program))
    repo.git("config", "diff.x.command", str(program))
    (tmp_path / "run").unlink(missing_ok=True)  # this git itself was asked to
    repo.write(".gitattributes", "*.png diff=x\n")
    repo.write("x.png")
    subprocess.run(["git", "-c", "core.fsmonitor=", "add", "-A"], cwd=repo.root, check=True)
    repo.write("x.png", b"other")
    assert names(asked(STAGED, hidden=True)) == [".gitattributes", "x.png"]
    assert names(asked(Changes("HEAD"))) == ["x.png"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("diff.renames", "false"), ("diff.noprefix", "true"), ("core.quotePath", "true")),
        *(("diff.relative", "true"), ("diff.mnemonicPrefix", "true"), ("color.ui", "always")),
        *(("core.abbrev", "5"), ("diff.orderFile", "order"), ("log.showSignature", "true")),
        *(("diff.ignoreSubmodules", "none"), ("status.relativePaths", "false")),
    ],
)
def test_settings_do_not_change_the_answer(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    repo.write("order", "*.txt\n")
    repo.git("add", ".")
    repo.commit()
    repo.git("config", key, value)
    repo.git("mv", "a.png", "in/c.png")
    repo.write("in/h\u00e9.png", seed=3)
    repo.git("add", ".")
    monkeypatch.chdir(repo.root / "in")
    assert names(asked(STAGED)) == ["c.png", "h\u00e9.png"]
    assert names(asked(Changes("HEAD"))) == ["c.png", "h\u00e9.png"]


def test_much_is_read_in_parts(repo: Repository) -> None:
    for number in range(3000):
        repo.write(f"many/{'n' * 100}{number}.png", b"x")
    repo.git("add", ".")
    assert len(asked(STAGED)) == 3000


# --- what git cannot answer


def told(changes: Changes, *paths: str) -> str:
    with pytest.raises(UsageError) as caught:
        list(Sources(paths, Selection(), changes=changes))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert told(STAGED) == f"{tmp_path}: in no git repository; go into one, or name files"


def test_no_git_is_told(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.root))
    assert told(STAGED).startswith("git is not installed")


def test_a_repository_of_another_user_is_told(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    message = told(STAGED)
    assert message.endswith(f"git config --global --add safe.directory {repo.root}")


def test_a_repository_without_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository(tmp_path)
    repo.git("init", "-q", "--bare", "bare.git")
    monkeypatch.chdir(tmp_path / "bare.git")
    assert told(STAGED).endswith("bare.git: a repository without files; go into a working tree")


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("origin/topic", "no such commit here; git fetch origin topic"),
        ("--output=x", "no name of a commit; give a branch or a tag"),
        ("", "no name of a commit"),
        ("a\nb", "no name of a commit"),
        ("main:a.png", "no such commit here"),
        ("HEAD^{tree}", "no such commit here"),
        ("..", "no such commit here"),
    ],
)
def test_a_commit_that_is_not_there_is_told(repo: Repository, ref: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Sources([], Selection(), changes=Changes(ref))
    assert words in str(caught.value)
    assert not (repo.root / "x").exists()


def test_a_shallow_clone_is_told(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("x.png")
    repo.commit("y.png")
    url = repo.root.as_uri()
    repo.git("clone", "-q", "--depth", "1", "-b", "topic", url, str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    message = told(Changes("origin/main"))
    assert "no such commit here; this clone is shallow" in message
    assert "fetch-depth: 0" in message
    assert "git fetch --unshallow" in message
    subprocess.run(["git", "fetch", "-q", "--depth", "1", "origin", "main:main"], check=True)
    message = told(Changes("main"))
    assert "no commit in common with the present one; this clone is shallow" in message


def test_names_that_git_gives_its_hooks_are_of_where_they_run(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of some names alone has an index of its own."""
    repo.write("in/x.png")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/other index")
    subprocess.run(["git", "read-tree", "HEAD"], check=True)
    subprocess.run(["git", "add", "in/x.png"], check=True)
    assert names(asked(STAGED, "in")) == ["in/x.png"]
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_WORK_TREE", ".")
    assert names(asked(STAGED, "in")) == ["in/x.png"]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert asked(STAGED, "in") == []


def test_a_clone_without_all_bytes_asks_no_other_machine(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("long.txt", "".join(f"{number}\n" for number in range(500)))
    repo.commit()
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("mv", "long.txt", "moved.txt")
    repo.write("moved.txt", "".join(f"{number}\n" for number in range(510)))
    repo.commit("x.png")
    repo.git("config", "uploadpack.allowFilter", "true")
    url, clone = repo.root.as_uri(), tmp_path / "partial"
    repo.git("clone", "-q", "--filter=blob:none", "-b", "topic", url, str(clone))
    repo.root.rename(tmp_path / "away")
    monkeypatch.chdir(clone)
    assert names(asked(Changes("origin/main"))) == ["moved.txt", "x.png"]


def test_another_history_is_told(repo: Repository) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("other.png")
    assert "it has another history" in told(Changes("main"))


def test_what_git_does_not_know_is_told(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    assert "outside: not in the repository" in told(STAGED, "in", "../outside")
    repo.write("list.csv", "path\na.png\n")
    assert told(STAGED, "list.csv") == (
        "list.csv: --staged asks git, not a list; name folders and files"
    )
    assert "-: --changed-since asks git" in told(Changes("main"), "-")
    assert "no such file or folder" in told(STAGED, "nowhere")
