"""A report as a folder of pages for any number of images, in the design of the page.

Columns, details and pictures lie in files of their own, which the page loads as it needs them; all
is written as rows come, so that memory grows by a few bytes a row. May use what ``report`` may.
"""
