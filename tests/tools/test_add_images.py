"""Adding labelled images of public repositories to a manifest."""

import csv
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import encoded, picture
from tools.add_images import main
from tools.gather_images import dhash

PICKS = ("repo", "commit", "src_path", "sha256", "label", "generator")


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_new_images_come_from_clones_and_files_and_known_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "known.png").write_bytes(encoded(picture(300, 240, seed=0)))
    base = {"split": "val", "label": "real", "generator": "photo", "full": ""}
    manifest = write(tmp_path / "m.csv", [{"path": "known.png", "source": "held/out", **base}])
    clone = tmp_path / "clones" / "some+repo" / "repo"
    clone.mkdir(parents=True)
    git(clone, "init", "-q")
    files = {
        "new.png": encoded(picture(300, 240, seed=1)),
        "again.jpg": encoded(picture(300, 240, seed=0), "JPEG"),  # like the known one
        "broken.png": b"\x89PNG\r\n\x1a\n nothing",
    }
    for name, data in files.items():
        (clone / name).write_bytes(data)
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "x")
    commit = git(clone, "rev-parse", "HEAD")
    held = encoded(picture(300, 240, seed=2))
    (tmp_path / "files").mkdir()
    digest = hashlib.sha256(held).hexdigest()
    (tmp_path / "files" / f"{digest}.png").write_bytes(held)

    def pick(repo: str, name: str, sha: str) -> dict[str, str]:
        return dict(zip(PICKS, (repo, commit, name, sha, "fake", "sdxl"), strict=True))

    picks = [
        pick("some/repo", name, hashlib.sha256(data).hexdigest()) for name, data in files.items()
    ]
    picks.append(pick("some/repo", "new.png", "0" * 64))  # other bytes than those listed
    picks.append(pick("absent/repo", "a.PNG", digest))
    picks.append(pick("held/out", "b.png", digest))
    arguments = [str(manifest), str(write(tmp_path / "p.csv", picks)), str(tmp_path / "clones")]
    arguments += ["--files", str(tmp_path / "files"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["add_images", *arguments])
    main()
    counts = dict(reversed(line.split(None, 1)) for line in capsys.readouterr().out.splitlines())
    assert counts == {
        "new, fake": "2",
        "like another image": "1",
        "unreadable": "1",
        "not found": "1",
        "of sources held out": "1",
    }
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["split"], row["label"], row["source"]) for row in rows] == [
        ("val", "real", "held/out"),
        ("train", "fake", "some/repo"),
        ("train", "fake", "absent/repo"),
    ]
    assert [Path(row["path"]).read_bytes() for row in rows[1:]] == [files["new.png"], held]


def test_what_is_kept_back_by_repository_bytes_or_look_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "files").mkdir()
    pictures = [picture(300, 240, seed=seed) for seed in range(5)]
    digests = []
    for image in pictures:
        data = encoded(image)
        digests.append(hashlib.sha256(data).hexdigest())
        (tmp_path / "files" / f"{digests[-1]}.png").write_bytes(data)
    (tmp_path / "known.png").write_bytes(encoded(pictures[4], "JPEG"))
    base = {"split": "train", "label": "real", "generator": "photo", "full": ""}
    manifest = write(tmp_path / "m.csv", [{"path": "known.png", "source": "any/one", **base}])
    repos = ("Hidden/Repo", "open/one", "open/two", "open/three")
    picks = [
        dict(zip(PICKS, (repo, "0" * 40, "a.png", sha, "fake", "sdxl"), strict=True))
        for repo, sha in zip(repos, digests[:4], strict=True)
    ]
    held = {
        "repositories": [hashlib.sha256(b"kept back hidden/repo").hexdigest()[:20]],
        "sha256": [digests[1][:16]],
        "dhash": [f"{dhash(pictures[at]):016x}" for at in (2, 4)],
    }
    (tmp_path / "kept.json").write_text(json.dumps(held))
    arguments = [str(manifest), str(write(tmp_path / "p.csv", picks)), str(tmp_path / "clones")]
    arguments += ["--files", str(tmp_path / "files"), "--out", str(tmp_path / "out")]
    arguments += ["--kept-back", str(tmp_path / "kept.json")]
    monkeypatch.setattr("sys.argv", ["add_images", *arguments])
    main()
    counts = dict(reversed(line.split(None, 1)) for line in capsys.readouterr().out.splitlines())
    assert counts == {"kept back, of the manifest": "1", "kept back": "3", "new, fake": "1"}
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        assert [row["source"] for row in csv.DictReader(file)] == ["open/three"]
