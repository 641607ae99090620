"""A report checked against the files that it is of.

May use: ``scanning`` and what lies below it.
"""
