"""The figures as files: JSON holds all, Markdown its tables, CSV and Parquet a row for each set."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clipfake.evaluation.markdown import markdown
from clipfake.evaluation.result import Evaluation
from clipfake.report.csv import ENCODING, cell
from clipfake.report.files import partial_path, publish, report_error


def write_figures(found: Evaluation, path: Path) -> None:
    """Write an evaluation in the format that the ending names.

    Raises:
        ReportError: the file cannot be written.
    """
    unfinished, rows = partial_path(path), found.rows()
    try:
        if path.suffix.lower() == ".json":
            text = json.dumps(found.to_json(), indent=2, ensure_ascii=False)
            unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        elif path.suffix.lower() == ".md":
            unfinished.write_text(markdown(found), encoding="utf-8")
        elif path.suffix.lower() == ".csv":
            with unfinished.open("w", encoding=ENCODING, newline="") as file:
                writer = csv.writer(file)
                writer.writerow(rows[0])
                writer.writerows([cell(value) for value in row.values()] for row in rows)
        else:
            pq.write_table(pa.Table.from_pylist(rows), unfinished, compression="zstd")
    except OSError as error:
        raise report_error(path, error) from error
    publish(path)
