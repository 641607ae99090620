"""pre-commit, run for real: what it lets through, and what it does not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clipfake.imaging.formats import named_like_image
from tests.cli.command import declared
from tests.conftest import encoded, picture
from tests.sources.repository import Repository

yaml = pytest.importorskip("yaml", reason="PyYAML is not on this machine")
ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load(MANIFEST.read_text("utf-8"))}


class Committing(Repository):
    """A repository whose commits pass a hook."""

    def install(self, home: Path, hook: str, *args: str, ignored: str = "") -> None:
        """Install the hook as the manifest has it, but for clipfake being this checkout's."""
        self.home = home
        entry = HOOKS[hook]["entry"].removeprefix("clipfake")
        local = {
            **HOOKS[hook],
            "entry": f"{sys.executable} -m clipfake{entry}",
            "language": "system",
            **({"args": list(args)} if args else {}),
        }
        config = {"repos": [{"repo": "local", "hooks": [local]}]}
        self.write(".pre-commit-config.yaml", yaml.safe_dump(config))
        if ignored:
            self.write(".clipfakeignore", ignored)
        self.git("add", ".")
        done = self.run(sys.executable, "-m", "pre_commit", "install")
        assert done.returncode == 0, done.stdout

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of a user's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_"))}
        environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PRE_COMMIT_HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONIOENCODING": "utf-8",
        }
        return subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def try_commit(self) -> "subprocess.CompletedProcess[str]":
        """Commit what is staged, through the hook."""
        name = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return self.run("git", *name, "commit", "-m", "more")


@pytest.fixture
def repo(tmp_path: Path) -> Committing:
    pytest.importorskip("pre_commit", reason="pre-commit is not on this machine")
    if shutil.which("git") is None:
        pytest.skip("git is not on this machine")
    return Committing(tmp_path / "repo")


def test_the_manifest_is_valid() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib", reason="pre-commit is not here")
    hooks = clientlib.load_manifest(str(MANIFEST))
    assert [hook["id"] for hook in hooks] == ["clipfake", "clipfake-metadata"]
    assert {hook["language"] for hook in hooks} == {"python"}


def test_the_hooks_take_pictures_that_are_read_here() -> None:
    assert len({hook["files"] for hook in HOOKS.values()}) == 1
    files = re.compile(HOOKS["clipfake"]["files"])
    endings = [
        "apng",
        "avif",
        "bmp",
        "dib",
        "gif",
        "jfif",
        "jpe",
        "jpeg",
        "JPG",
        "png",
        "tif",
        "TIFF",
        "webp",
    ]
    assert all(files.search(f"in/a.{ending}") for ending in endings)
    assert all(named_like_image(f"a.{ending}") for ending in endings)
    assert not any(files.search(f"a.{ending}") for ending in ("py", "svg", "heic", "psd", "png.md"))


def test_a_commit_is_refused_for_what_declares_itself(repo: Committing, tmp_path: Path) -> None:
    repo.install(tmp_path / "home", "clipfake-metadata")
    repo.write("photo.png")
    repo.write("words.md", "words")
    repo.git("add", ".")
    assert repo.try_commit().returncode == 0
    repo.write("new one.png", declared(1))
    repo.write("other.jpg", encoded(picture(seed=5), "JPEG"))
    repo.git("add", ".")
    done = repo.try_commit()
    assert done.returncode != 0
    assert "fails: new one.png: ai (no score, by declared): " in done.stdout
    assert "1 of 2 files are ai" in done.stdout
    assert repo.git("log", "--oneline").count("\n") == 1
    repo.git("rm", "-q", "--cached", "new one.png")
    assert repo.try_commit().returncode == 0


def test_words_alone_need_no_picture(repo: Committing, tmp_path: Path) -> None:
    repo.install(tmp_path / "home", "clipfake-metadata")
    done = repo.try_commit()
    assert done.returncode == 0
    assert "Skipped" in done.stdout


def test_ignore_files_and_a_baseline_let_through_what_is_accepted(
    repo: Committing, tmp_path: Path
) -> None:
    repo.install(
        tmp_path / "home",
        "clipfake-metadata",
        *("--baseline", "accepted.jsonl", "--fail-on", "new-ai"),
        ignored="fixtures/\n",
    )
    for name in ("fixtures/a.png", "hero.png"):
        repo.write(name, declared(len(name)))
    clipfake = (sys.executable, "-m", "clipfake")
    scan = ("scan", "hero.png", "--no-pixels", "-q", "-o", "../r.parquet")
    assert repo.run(*clipfake, *scan).returncode == 0
    made = repo.run(*clipfake, "baseline", "create", "accepted.jsonl", "../r.parquet")
    assert made.returncode == 0, made.stdout
    repo.git("add", ".")
    done = repo.try_commit()
    assert done.returncode == 0, done.stdout
    repo.git("mv", "hero.png", "moved.png")
    assert repo.try_commit().returncode == 0
    repo.write("fixtures/only.png", declared(77))
    repo.git("add", ".")
    done = repo.try_commit()
    assert done.returncode == 0, done.stdout
    repo.write("second.png", declared(3))
    repo.git("add", ".")
    done = repo.try_commit()
    assert done.returncode != 0
    assert "fails: second.png: ai " in done.stdout
    assert "1 of 1 files are new-ai" in done.stdout


def test_pixels_are_looked_at(repo: Committing, tmp_path: Path) -> None:
    repo.install(tmp_path / "home", "clipfake")
    repo.write("photo.png")
    repo.write("ai.png", declared(1))
    repo.git("add", ".")
    done = repo.try_commit()
    assert done.returncode != 0
    assert re.search(r"fails: ai\.png: ai \(score 0\.\d+, by \w+\): ", done.stdout), done.stdout


def test_all_files_can_be_asked_about(repo: Committing, tmp_path: Path) -> None:
    repo.install(tmp_path / "home", "clipfake-metadata")
    for number in range(5):
        repo.write(f"{number}.png", seed=number)
    repo.write("old.png", declared(1))
    repo.git("add", ".")
    repo.git("-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qnm", "past the hook")
    done = repo.run(sys.executable, "-m", "pre_commit", "run", "--all-files")
    assert done.returncode != 0
    assert "1 of 6 files are ai" in done.stdout


def test_a_hook_of_gits_own_can_ask_what_is_staged(repo: Committing, tmp_path: Path) -> None:
    """As docs/ci.md has it; a commit of names alone has an index of its own."""
    repo.home = tmp_path
    hook = repo.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    line = "scan --staged --no-pixels --fail-on ai --quiet"
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clipfake {line} "$PWD/in"\n')
    hook.chmod(0o755)
    for name in ("in/a.png", "in/b.png"):
        repo.write(name, seed=len(name))
    repo.git("add", ".")
    assert repo.try_commit().returncode == 0
    repo.write("in/a.png", declared(1))
    repo.write("in/b.png", declared(2))
    commit = ("git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-m", "more")
    for command, failing in ((("in/a.png",), 1), (("-a",), 2)):
        done = repo.run(*commit, *command)
        assert done.returncode != 0
        assert f"{failing} of {failing} files are ai" in done.stdout, done.stdout
    repo.git("worktree", "add", "-q", "../other", "-b", "other")
    other = Committing.__new__(Committing)
    other.root, other.home = repo.root.parent / "other", tmp_path
    other.write("in/c.png", declared(3))
    other.git("add", ".")
    done = other.try_commit()
    assert done.returncode != 0
    assert "fails: " in done.stdout
    assert "1 of 1 files are ai" in done.stdout, done.stdout
