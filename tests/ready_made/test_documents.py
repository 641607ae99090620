"""The settings that docs/ci.md shows are valid where they go."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clipfake import __version__
from clipfake.report.report import FORMATS
from clipfake.report.rules import RULES

yaml = pytest.importorskip("yaml", reason="PyYAML is not on this machine")
ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "ci.md").read_text("utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def block(name: str) -> str:
    return re.findall(rf"<!-- {name} -->\n```yaml\n(.*?)```", TEXT, re.S)[0]


def faults(name: str, value: Any) -> list[str]:
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not here")
    from jsonschema import Draft7Validator

    folder = Path(schemas.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return [error.message for error in Draft7Validator(schema).iter_errors(value)]


def test_the_workflow_is_valid_and_gives_inputs_that_the_action_has() -> None:
    flow = yaml.safe_load(block("github").replace("\non:", "\n'on':"))
    assert faults("github-workflows", flow) == []
    [step] = [s for s in flow["jobs"]["clipfake"]["steps"] if "clipfake@" in s["uses"]]
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert step["uses"].endswith(f"@v{__version__}")


def test_the_job_of_gitlab_is_valid() -> None:
    assert faults("gitlab-ci", yaml.safe_load(block("gitlab"))) == []


def test_the_settings_of_pre_commit_are_valid(tmp_path: Path) -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib", reason="pre-commit is not here")
    (tmp_path / "config.yaml").write_text(block("pre-commit"))
    [repo] = clientlib.load_config(str(tmp_path / "config.yaml"))["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert {hook["id"] for hook in repo["hooks"]} <= {hook["id"] for hook in hooks}
    assert repo["rev"] == f"v{__version__}"


def test_every_rule_and_every_format_has_its_line() -> None:
    told = set(re.findall(r"^\| (`.*?) \|", TEXT, re.M))
    names = {name for line in told for name in re.findall(r"`([^`]+)`", line)}
    assert set(RULES) <= names
    assert {".sarif", ".junit.xml", ".codequality.json", ".md"} <= names & set(FORMATS)
