"""Settings of files and the environment: what is found, what counts, and what is refused."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clipfake.cli.exit_codes import Exit
from clipfake.errors import UsageError
from clipfake.plan.plan import options
from clipfake.plan.settings import Settings, read_settings
from tests.cli.command import clipfake
from tests.conftest import encoded, picture


def written(folder: Path, text: str, name: str = "clipfake.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def values(found: Settings, **command_line: object) -> dict[str, tuple[object, str]]:
    """Options that are not as by default: value and source."""
    return {
        name: (each.value, each.source)
        for name, each in found.under(command_line).items()
        if each.source != "default"
    }


def test_command_line_then_environment_then_file_then_default(tmp_path: Path) -> None:
    path = written(tmp_path, 'top = 1\nfpr = 0.05\nfail-on = "ai"\n')
    environment = {"CLIPFAKE_TOP": "2", "CLIPFAKE_FPR": "0.001", "HOME": "/"}
    found = read_settings(tmp_path, environment)
    assert values(found, top=3) == {
        "top": (3, "command line"),
        "fpr": (0.001, "CLIPFAKE_FPR"),
        "fail_on": ("ai", str(path)),
    }
    assert found.under({})["workers"].source == "default"
    assert found.said == str(path)


def test_a_profile_comes_before_the_rest_of_its_file(tmp_path: Path) -> None:
    text = "top = 1\nhidden = true\n[profile.ci]\ntop = 7\n[profile.court]\nfpr = 0.001\n"
    path = written(tmp_path, text)
    for found in (
        read_settings(tmp_path, {}, profile="ci"),
        read_settings(tmp_path, {"CLIPFAKE_PROFILE": "ci"}),
    ):
        assert values(found) == {
            "top": (7, f"{path}, profile ci"),
            "hidden": (True, str(path)),
        }
        assert found.said == f"{path}, profile ci"
    with pytest.raises(UsageError, match=r"no profile 'cy' \(known: ci, court\)"):
        read_settings(tmp_path, {}, profile="cy")


def test_the_nearest_file_counts_and_one_without_settings_is_passed_by(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    written(tmp_path, "top = 1\n")
    project = (
        "[project]\nname = 'x'\n[tool.clipfake]\ntop = 2\n[tool.clipfake.profile.p]\ntop = 4\n"
    )
    written(tmp_path / "a", project, "pyproject.toml")
    written(inner, "[project]\nname = 'y'\n", "pyproject.toml")
    assert values(read_settings(inner, {}))["top"][0] == 2
    assert values(read_settings(inner, {}, profile="p"))["top"][0] == 4
    written(tmp_path / "a", "top = 3\n")  # clipfake.toml comes before pyproject.toml
    assert values(read_settings(inner, {}))["top"][0] == 3
    assert values(read_settings(inner, {}, look=False)) == {}
    other = written(tmp_path, "top = 9\n", "other.toml")
    assert values(read_settings(inner, {}, file=other))["top"][0] == 9


def test_paths_of_a_file_begin_where_it_lies(tmp_path: Path) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    written(tmp_path, 'cache = "k"\noutput = ["r.csv", "/x/r.csv"]\nexclude = ["thumbs"]\n')
    found = values(read_settings(inner, {}))
    assert found["cache"][0] == tmp_path / "k"
    assert found["output"][0] == (str(tmp_path / "r.csv"), "/x/r.csv")
    assert found["exclude"][0] == ("thumbs",)


def test_the_environment_says_lists_with_commas_and_switches_with_words(tmp_path: Path) -> None:
    environment = {
        "CLIPFAKE_EXCLUDE": "a,b c",
        "CLIPFAKE_HIDDEN": "Yes",
        "CLIPFAKE_STRICT": "0",
        "CLIPFAKE_CACHE": "k",
    }
    found = {
        name: value for name, (value, _) in values(read_settings(tmp_path, environment)).items()
    }
    assert found == {
        "exclude": ("a", "b c"),
        "hidden": True,
        "strict": False,
        "cache": Path("k"),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("top = [", "is no TOML"),
        ("topp = 1", "there is no option 'topp'; did you mean 'top'?"),
        ("max_pixel = 1", "did you mean 'max-pixels'?"),
        ("zzz = 1", "there is no option 'zzz'"),
        ('top = "many"', "option top is 'many', but must be a whole number"),
        ("fpr = true", "option fpr is True, but must be a number"),
        ("exclude = [1]", "but must be a list, each text"),
        ("allow-network = true", "allow-network is for the command line alone"),
        ("allow_download = true", "allow_download is for the command line alone"),
        ('paths = ["."]', "paths is for the command line alone"),
        ("hash_alone = true", "there is no option 'hash_alone'"),
        ("profile = 1", "profile must be tables"),
        ("[profile]\nci = 1", "profile.ci must be a table"),
        ("[profile.ci]\ntopp = 1", "there is no option 'topp'"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_that_names_it(
    tmp_path: Path, text: str, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as told:
        read_settings(tmp_path, {})
    assert words in str(told.value)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("CLIPFAKE_TOP", "many", "CLIPFAKE_TOP=many: is no number"),
        ("CLIPFAKE_HIDDEN", "maybe", "CLIPFAKE_HIDDEN=maybe: give 1 or 0"),
        ("CLIPFAKE_ALLOW_NETWORK", "1", "ALLOW_NETWORK: allow_network is for the command line"),
    ],
)
def test_what_is_wrong_with_a_variable_is_one_line_that_names_it(
    tmp_path: Path, variable: str, text: str, words: str
) -> None:
    with pytest.raises(UsageError) as told:
        read_settings(tmp_path, {variable: text})
    assert words in str(told.value)


def test_an_unknown_variable_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert values(read_settings(tmp_path, {"CLIPFAKE_TOPP": "1"})) == {}
    assert "CLIPFAKE_TOPP: there is no such option; did you mean 'top'?" in caplog.text


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "is no TOML"), (b"#" * (2**20 + 1), "is too large for settings")],
)
def test_what_is_no_text_or_far_too_long_is_refused(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "clipfake.toml").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_settings(tmp_path, {})
    with pytest.raises(UsageError, match="No such file"):
        read_settings(tmp_path, {}, file=tmp_path / "none.toml")
    with pytest.raises(UsageError, match="--profile ci: there is no"):
        read_settings(tmp_path, {}, profile="ci", look=False)


# the command


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encoded(picture()))
    text = 'no-pixels = true\nworkers = 0\noutput = ["r.parquet"]\n'
    written(tmp_path, text + '[profile.ci]\nfail-on = "inconclusive"\n')
    monkeypatch.chdir(tmp_path / "in")
    return tmp_path


def test_a_scan_follows_its_settings_and_says_so(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clipfake("scan", ".") == Exit.FINE
    assert f"settings of {place / 'clipfake.toml'}" in "".join(capsys.readouterr().err.split("\n"))
    table = pq.read_table(place / "r.parquet")
    held = json.loads(table.schema.metadata[b"clipfake"])
    assert held["options"]["settings"] == str(place / "clipfake.toml")
    assert held["options"]["no_pixels"] is True
    assert clipfake("scan", ".", "--profile", "ci") == Exit.FOUND
    assert clipfake("scan", ".", "--profile", "none") == Exit.USAGE
    # what a file turned on can be turned off, and a list of the command line replaces the file's
    capsys.readouterr()
    assert clipfake("config", "show", "--json") == Exit.FINE
    shown = json.loads(capsys.readouterr().out)
    assert shown["no-pixels"] == {"value": True, "source": str(place / "clipfake.toml")}
    assert shown["top"] == {"value": 10, "source": "default"}
    assert len(shown) == sum(
        not (each.option.internal or each.option.argument) for each in options().values()
    )
    assert clipfake("scan", ".", "--pixels", "--no-metadata", "--top", 0) == Exit.FINE
    assert clipfake("scan", ".", "-o", "other.csv") == Exit.FINE
    assert (place / "in" / "other.csv").exists()


def test_without_settings_nothing_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clipfake("scan", ".", "--no-config", "--no-pixels", "--workers", 0) == Exit.FINE
    assert "settings of" not in capsys.readouterr().err
    assert not (place / "r.parquet").exists()
    assert clipfake("config", "show", "--no-config") == Exit.FINE
    out = capsys.readouterr().out
    assert "(default)" in out
    assert "clipfake.toml" not in out
