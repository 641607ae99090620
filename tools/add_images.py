"""Add labelled images of public repositories to a manifest that a detector is fitted on.

    python -m tools.add_images MANIFEST.csv PICKS.csv CLONES --out FOLDER

PICKS.csv has columns repo (owner/name), commit, src_path, sha256, label (real, fake) and
generator; `tools/more_images.csv` is the list that the default adapter was fitted with. CLONES
holds a git directory for each repository, `owner+name/repo` or `owner+name/repo/.git`; images of
absent ones are passed over, unless `--files FOLDER` holds them under the names of their sha256.
Only bytes with the named sha256 are used.

FOLDER then holds `more/`, the files byte for byte, and `manifest.csv`: the rows of MANIFEST.csv,
paths absolute, and the new ones in split train, or another (`--split`). No repository that the
manifest names as a source of split val gives images, and none is added whose difference hash is
within 6 bits of another's. `--kept-back FILE` (`tools/kept_back.py`) leaves out what tests the
detector from outside, of PICKS and of MANIFEST, by repository, bytes and look.
"""

import argparse
import csv
import hashlib
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath

from clipfake.errors import ImageError
from clipfake.imaging.decode import thumbnail
from clipfake.imaging.limits import Limits
from tools.gather_images import COLUMNS, HASHED_SIDE, Row, alike, dhash, found, read_csv
from tools.kept_back import KeptBack


def main() -> None:
    """Read files repository by repository, then write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("picks", type=Path)
    parser.add_argument("clones", type=Path)
    parser.add_argument("--files", type=Path, help="folder of files named by their sha256")
    parser.add_argument("--split", default="train", help="of the new rows")
    parser.add_argument("--kept-back", type=Path, help="digests of what must not be trained on")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    (args.out / "more").mkdir(parents=True, exist_ok=True)

    folder = args.manifest.parent.resolve()
    known, hashes, counts, new = [], [], Counter[str](), []
    kept_back = KeptBack(args.kept_back)
    for row in read_csv(args.manifest):
        path = folder / row["path"]
        data = path.read_bytes()
        hashed = dhash(thumbnail(data, HASHED_SIDE, Limits()))
        digest = hashlib.sha256(data).hexdigest()
        if kept_back.repository(row["source"]) or kept_back.image(digest, hashed):
            counts["kept back, of the manifest"] += 1
            continue
        known.append({**row, "path": str(path)})
        hashes.append(hashed)
    held_out = {row["source"] for row in known if row["split"] == "val"}
    by_repo: dict[str, list[Row]] = defaultdict(list)
    for pick in read_csv(args.picks):
        by_repo[pick["repo"]].append(pick)
    for repo, picks in by_repo.items():
        if repo in held_out:
            counts["of sources held out"] += len(picks)
            continue
        if kept_back.repository(repo):
            counts["kept back"] += len(picks)
            continue
        for pick, data in found(args.files, args.clones, repo, picks):
            if data is None:
                counts["not found"] += 1
                continue
            try:
                hashed = dhash(thumbnail(data, HASHED_SIDE, Limits()))
            except ImageError:
                counts["unreadable"] += 1
                continue
            if kept_back.image(pick["sha256"], hashed):
                counts["kept back"] += 1
                continue
            if alike(hashed, hashes):
                counts["like another image"] += 1
                continue
            hashes.append(hashed)
            path = args.out / "more" / (pick["sha256"] + PurePosixPath(pick["src_path"]).suffix)
            path.write_bytes(data)
            row = {"path": str(path.resolve()), "split": args.split, "source": repo}
            new.append({**row, "label": pick["label"], "generator": pick["generator"]})
            counts[f"new, {pick['label']}"] += 1
    with (args.out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([*known, *new])
    for what, count in sorted(counts.items()):
        print(f"{count:6d} {what}")


if __name__ == "__main__":
    main()
