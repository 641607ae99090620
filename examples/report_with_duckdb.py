"""Which folders, cameras and months a report's findings are from, asked in SQL.

    pip install duckdb
    clipfake scan ./folder -o report.parquet
    python examples/report_with_duckdb.py report.parquet

DuckDB reads the Parquet where it lies, and all that a pattern names: 'reports/*.parquet' will do.
"""

import sys

import duckdb

COUNTS = """
count(*) AS images,
count(*) FILTER (verdict = 'ai') AS ai,
count(*) FILTER (verdict_basis = 'conflict') AS conflicts,
round(100 * avg((verdict = 'ai')::INT), 1) AS ai_percent
"""
GROUPS = {
    "folders": "regexp_replace(path, '[^/\\\\]*$', '')",
    "cameras": "concat_ws(' ', exif_make, exif_model)",
    "months": "strftime(exif_datetime_original, '%Y-%m')",
    "formats": "format",
    "declared by": "declared_by",
}


def main() -> None:
    """Run the command."""
    [report] = sys.argv[1:]
    database = duckdb.connect()
    database.read_parquet(report).create_view("report")
    for name, group in GROUPS.items():
        print(name)
        database.sql(
            f"SELECT {group} AS key, {COUNTS} FROM report WHERE error_code IS NULL "  # noqa: S608
            "GROUP BY key ORDER BY ai DESC, images DESC, key LIMIT 10"
        ).show()
    print("the same bytes in several places")
    database.sql(
        "SELECT sha256[:12] AS sha256, count(*) AS files, max(score) AS score, min(path) AS first "
        "FROM report WHERE sha256 IS NOT NULL GROUP BY ALL HAVING files > 1 "
        "ORDER BY score DESC LIMIT 10"
    ).show()


if __name__ == "__main__":
    main()
