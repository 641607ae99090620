"""The command line: a thin layer over the library, one file a command.

May use: every room. No other room uses it.
"""
