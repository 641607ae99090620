"""Gather full-size originals, and more images of the same sources, out of clones of repositories.

    python -m tools.gather_images MANIFEST.csv ORIGINS.csv CLONES --out FOLDER

ORIGINS.csv says where images were found: key (stem of the file's name in the manifest), repo
(owner/name), commit, src_path, sha256. CLONES holds a git directory for each repository,
`owner+name/repo` or `owner+name/repo/.git`; absent ones are passed over, unless `--files FOLDER`
holds their images under the names of their sha256. Blobs are read with git, so nothing is checked
out, and only bytes with the named sha256 are used.

FOLDER then holds `full/`, the originals byte for byte, and `manifest.csv` for
`tools/fit_default.py`: the manifest's normalised rows and the new ones, paths absolute, with a
column `full`, the original of a known image. Rows of split val get no `full`, and no repository
that has images in split val gives new ones. A new image takes label and generator from the known
image of its repository whose path is most like its own; where a folder holds both classes it is
left out. So are new images whose difference hash is within 6 bits of any other's.
"""

import argparse
import csv
import hashlib
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from clipfake.errors import ImageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits

Row = dict[str, str]
COLUMNS = ("path", "full", "split", "label", "generator", "source")
HASHED_SIDE, ALIKE_BITS = 352, 6


def main() -> None:
    """Read blobs repository by repository, then write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("origins", type=Path)
    parser.add_argument("clones", type=Path)
    parser.add_argument("--files", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    (args.out / "full").mkdir(parents=True, exist_ok=True)

    known = {
        Path(row["path"]).stem: {**row, "path": str(args.manifest.parent.resolve() / row["path"])}
        for row in read_csv(args.manifest)
        if row.get("form", "normalised") == "normalised"
    }
    by_repo: dict[str, list[Row]] = defaultdict(list)
    for origin in read_csv(args.origins):
        by_repo[origin["repo"]].append(origin)

    hashes = [dhash(Image.open(row["path"])) for row in known.values()]
    counts, new = Counter[str](), []
    for repo, origins in by_repo.items():
        if "val" in {known[o["key"]]["split"] for o in origins if o["key"] in known}:
            counts["of repositories with images in val"] += len(origins)
            continue
        for origin, data in found(args.files, args.clones, repo, origins):
            if data is None:
                counts["not found"] += 1
                continue
            full = args.out / "full" / (origin["key"] + PurePosixPath(origin["src_path"]).suffix)
            if origin["key"] in known:
                full.write_bytes(data)
                known[origin["key"]]["full"] = str(full.resolve())
                counts["originals of known images"] += 1
                continue
            like = _most_like(origin, origins, known)
            try:
                hashed = dhash(thumbnail(data, HASHED_SIDE, Limits()))
            except ImageError:
                like = None
            if like is None:
                counts["of unclear label, or unreadable"] += 1
                continue
            if alike(hashed, hashes):
                counts["like another image"] += 1
                continue
            hashes.append(hashed)
            full.write_bytes(data)
            new.append({**known[like], "path": str(full.resolve()), "full": ""})
            counts[f"new, {known[like]['label']}"] += 1
    with (args.out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([*known.values(), *new])
    for what, count in sorted(counts.items()):
        print(f"{count:6d} {what}")


def clone_of(clones: Path, repo: str) -> Path | None:
    """The git directory of a repository's clone; None where there is none."""
    places = (clones / repo.replace("/", "+") / name for name in ("repo/.git", "repo"))
    return next((place for place in places if place.is_dir()), None)


def found(
    files: Path | None, clones: Path, repo: str, rows: list[Row]
) -> Iterator[tuple[Row, bytes | None]]:
    """Each row's bytes, from a folder or a clone; None where neither has the right sha256."""
    missing = []
    for row in rows:
        name = row["sha256"] + PurePosixPath(row["src_path"]).suffix.lower()
        path = files / name if files else None
        if path is None or not path.is_file():
            missing.append(row)
            continue
        data = path.read_bytes()
        yield row, data if hashlib.sha256(data).hexdigest() == row["sha256"] else None
    git = clone_of(clones, repo)
    if git is None:
        yield from ((row, None) for row in missing)
    elif missing:
        yield from blobs(git, missing)


def alike(hashed: int, others: list[int]) -> bool:
    """Whether a difference hash is within ``ALIKE_BITS`` of another."""
    return any((hashed ^ other).bit_count() <= ALIKE_BITS for other in others)


def read_csv(path: Path) -> list[Row]:
    """Rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def blobs(git: Path, origins: list[Row]) -> Iterator[tuple[Row, bytes | None]]:
    """Each origin's bytes; None where the clone has none with the right sha256."""
    command = ["git", f"--git-dir={git}", "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        for origin in origins:
            found = None
            for revision in (origin["commit"], "HEAD"):
                process.stdin.write(f"{revision}:{origin['src_path']}\n".encode())
                process.stdin.flush()
                head = process.stdout.readline().split()
                if len(head) < 3 or head[-2] != b"blob":
                    continue
                data = process.stdout.read(int(head[-1]) + 1)[:-1]
                if hashlib.sha256(data).hexdigest() == origin["sha256"]:
                    found = data
                    break
            yield origin, found
        process.stdin.close()


def _most_like(origin: Row, origins: list[Row], known: dict[str, Row]) -> str | None:
    """Key of the known image whose path is most like an origin's; None when classes differ."""
    parts = PurePosixPath(origin["src_path"]).parts
    best: tuple[int, str] | None = None
    labels: dict[int, set[str]] = defaultdict(set)
    for other in origins:
        if other["key"] in known:
            theirs = PurePosixPath(other["src_path"]).parts
            shared = 0
            for own_part, their_part in zip(parts[:-1], theirs[:-1], strict=False):
                if own_part != their_part:
                    break
                shared += 2
            shared += len(parts) == len(theirs)
            labels[shared].add(known[other["key"]]["label"])
            if best is None or shared > best[0]:
                best = (shared, other["key"])
    return best[1] if best and len(labels[best[0]]) == 1 else None


def dhash(image: Image.Image) -> int:
    """64-bit difference hash: whether each of 9 x 8 grey pixels is brighter than its neighbour."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS))
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


if __name__ == "__main__":
    main()
