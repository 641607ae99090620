"""Reports: one schema, a file for each format, the journal, the summary and the custody statement.

May use: ``sources`` (Parquet and names), ``imaging`` (sizes of pictures), ``records``, ``errors``.
"""
