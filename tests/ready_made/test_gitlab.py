"""The job for GitLab: its form by the published schema, its commands run by a shell."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import declared
from tests.sources.repository import Repository

yaml = pytest.importorskip("yaml", reason="PyYAML is not on this machine")
ROOT = Path(__file__).parents[2]
TEMPLATE = yaml.safe_load((ROOT / "ci" / "clipfake.gitlab-ci.yml").read_text("utf-8"))
JOB = TEMPLATE["clipfake"]


def test_the_job_is_valid_by_the_published_schema() -> None:
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not here")
    from jsonschema import Draft7Validator

    folder = Path(schemas.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "gitlab-ci.json").read_text("utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(TEMPLATE)] == []


def test_a_merge_request_fails_for_what_it_adds(tmp_path: Path) -> None:
    if shutil.which("sh") is None:
        pytest.skip("there is no shell on this machine")
    repo = Repository(tmp_path / "repo")
    repo.write("old.png", declared(1))
    repo.commit("photo.png")
    base = repo.git("rev-parse", "HEAD").strip()
    repo.write("new.png", declared(2))
    repo.commit()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "clipfake"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clipfake "$@"\n')
    command.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_"))}
    environment = {
        **kept,
        **{name: str(value) for name, value in JOB["variables"].items()},
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "SCAN_ARGS": "--no-pixels --exclude other",
    }
    done = subprocess.run(
        ["sh", "-ec", "\n".join(JOB["script"])], cwd=repo.root, env=environment, capture_output=True
    )
    assert done.returncode == 1, done.stderr
    reports = JOB["artifacts"]["reports"]
    [entry] = json.loads((repo.root / reports["codequality"]).read_text())
    assert entry["location"]["path"] == "new.png"
    assert 'tests="1" failures="1"' in (repo.root / reports["junit"]).read_text()
    assert all((repo.root / path).is_file() for path in JOB["artifacts"]["paths"])
