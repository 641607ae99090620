"""The image: what can be said of it without building it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")


def test_a_linter_of_dockerfiles_has_nothing_to_say() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not on this machine")
    done = subprocess.run(["hadolint", "--no-color", ROOT / "Dockerfile"], capture_output=True)
    assert (done.returncode, done.stdout.decode()) == (0, "")


def test_nobody_runs_as_root_and_no_hub_is_asked() -> None:
    last = TEXT.rpartition("\nFROM ")[2]
    [user] = re.findall(r"^USER (\d+)$", last, re.M)
    assert int(user) > 1000
    assert "HF_HUB_OFFLINE=1" in last


def test_what_is_copied_is_there_and_let_in() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.M)
        for name in line.split()[:-1]
    ]
    assert {"clipfake", "pyproject.toml"} <= set(copied)
    let_in = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert let_in[0] == "*"
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in let_in
