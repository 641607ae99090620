"""Lists of paths: text, CSV, JSON Lines and Parquet, read row by row."""
