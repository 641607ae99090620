# The habits of this project; `make` alone lists them.
.PHONY: help test lint types bench
help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
test: ## run all tests
	python -m pytest
lint: ## ruff, check and format
	ruff check .
	ruff format --check .
types: ## mypy, strict
	mypy
bench: ## overhead of a scan over decoding and encoding (set DATA to a folder of images)
	python -m benchmarks.overhead $(or $(DATA),examples/images)
