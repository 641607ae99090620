"""Git repositories, as the tests need them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import encoded, picture

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


class Repository:
    """A repository that the tests made; nobody's settings but its own count."""

    def __init__(self, root: Path) -> None:
        if shutil.which("git") is None:
            pytest.skip("git is not on this machine")
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """What a command says."""
        names = {
            f"GIT_{who}_{what}": "t@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            capture_output=True,
            env={**kept, **names, **alone},
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return os.fsdecode(done.stdout)

    def write(self, name: str, data: bytes | str | None = None, seed: int = 0) -> Path:
        """A file; a picture of a seed unless it has other bytes."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encoded(picture(seed=seed)) if data is None else data
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def commit(self, *names: str) -> None:
        """Write pictures, each of a seed of its own, and commit all that there is."""
        for name in names:
            self.write(name, seed=sum(name.encode("utf-8", "surrogateescape")))
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "more")
