"""A report as one HTML page that opens from disk and loads nothing.

Rows are counted (``figures``), the foremost are kept (``foremost``), each becomes an entry
(``entry``) and a line of the gallery's columns (``columns``), copies are found (``copies``), and
all is rendered at the end (``document``). What a reader's browser runs lies in ``script``, what it
looks like in ``style``, its skeleton in ``templates``. Pages of other things have the same design:
``document`` puts them into ``templates/shell.html`` with ``style/base.css``, ``script/dom.js`` and
``script/reader.js``. May use what ``report`` may.
"""
