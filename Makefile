# The habits of this project; `make` alone lists them.
.PHONY: help test lint types audit audit-deps bench docs
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
test: ## run all tests
	python -m pytest -n auto --dist loadfile
lint: ## ruff, check and format; the contract of the rooms
	ruff check .
	ruff format --check .
	lint-imports
types: ## mypy, strict
	mypy
audit: ## bandit; pyproject.toml says which rules are left out, and why
	bandit -q -r clipfake -c pyproject.toml
audit-deps: ## known vulnerabilities of what is installed (pip install pip-audit; needs the network)
	pip-audit --skip-editable
bench: ## overhead of a scan over decoding and encoding (set DATA to a folder of images)
	python -m benchmarks.overhead $(or $(DATA),examples/images)
docs: ## the reference of commands, and the site in build/site (pip install -e '.[docs]')
	python -m typer clipfake.cli.app utils docs --name clipfake --title Commands --output docs/commands.md
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --site-dir build/site
