"""What the documents say of the code is so."""

import itertools
import re
import sys
from pathlib import Path

import pytest

import clipfake
from clipfake.cli.app import COMMANDS
from clipfake.plan.plan import label, options

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
ROOMS = {
    path.stem
    for path in (ROOT / "clipfake").iterdir()
    if (path / "__init__.py").is_file() or path.suffix == ".py"
} - {"__init__", "__main__", "version"}


def test_the_picture_of_the_architecture_has_every_room_and_every_arrow_goes_down() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    picture = text.split("```mermaid")[1].split("```")[0]
    drawn = set(re.findall(r"^\s+(\w+)\[", picture, re.M))
    assert drawn == ROOMS
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    floor = {
        room.strip(): -number for number, names in enumerate(layers) for room in names.split("|")
    }
    arrows = 0
    for line in picture.splitlines():
        stations = [[name.strip() for name in part.split("&")] for part in line.split("-->")]
        for above, below in itertools.pairwise(stations):
            arrows += 1
            assert min(floor[name] for name in above) > max(floor[name] for name in below), line
    assert arrows > 10


def test_files_that_documents_name_are_there() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]
    named = {
        name
        for path in documents
        for name in re.findall(
            r"`((?:clipfake|tests|benchmarks|tools|docs|examples)/[\w./-]+\.\w+)`",
            path.read_text("utf-8"),
        )
    }
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_site_links_to_nothing_outside_of_it() -> None:
    """Which ``mkdocs build --strict`` refuses."""
    for page in (ROOT / "docs").glob("*.md"):
        assert not re.findall(r"\]\(\.\./", page.read_text("utf-8")), page.name


@pytest.mark.parametrize("folder", ["benchmarks", "tools"])
def test_every_script_has_its_line(folder: str) -> None:
    listed = (ROOT / folder / "README.md").read_text("utf-8")
    scripts = [path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py"]
    assert [name for name in scripts if name not in listed] == []


def test_the_reference_has_every_command_and_option() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"## `clipfake {command}`" in text, "make docs writes it anew"
    flags = [label(each) for each in options().values() if not each.option.internal]
    assert [flag for flag in flags if f"{flag}" not in text] == [], "make docs writes it anew"


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{clipfake.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
