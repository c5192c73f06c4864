# make app    the dashboard on 127.0.0.1:8501
# make test   the quick tests: functions, jobs, pages
# make test-all  what it leaves out: the program from outside, servers, browsers
# make mutants  wrong formulas planted one at a time: is each seen by the quick tests?
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
export PYTHONPATH := $(CURDIR)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where images for containers forbid it, each process of the tests would compile all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test test-all long mutants check setup bench screenshot clean forget

app: $(STAMP)
	@echo "Kernel Drift: http://127.0.0.1:8501 (this machine only; Ctrl-C stops it)"
	@$(RUN) -m streamlit run app.py

# Each process has whole files: what a file's fixtures compute serves all of it.
FILES := --dist loadfile --no-loadscope-reorder
# Compiled programs stay for a week: half of the time of the first run.
COMPILED := $(CURDIR)/.pytest_cache/compiled
test test-all long: export JAX_COMPILATION_CACHE_DIR ?= $(COMPILED)

# One more than two cores: a test that waits for a program of its own leaves one idle.
test: $(STAMP) forget
	@$(RUN) -m pytest -n 3 $(FILES)

test-all: $(STAMP) forget
	@$(RUN) -m pytest -m "(whole or browser) and not long" -n 2 $(FILES)

long: $(STAMP) forget
	@$(RUN) -m pytest -m long --timeout 3600

forget:
	@[ ! -d $(COMPILED) ] || find $(COMPILED) -type f -mtime +7 -delete

# A process per core, each with a copy of the tree. ONLY=text: those with it in their file or name.
mutants: $(STAMP)
	@$(RUN) -m tests.mutants --only "$(ONLY)"

check: $(STAMP)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(RUN) -m pylint engine cache pages app.py benchmarks deploy & twice=$$!; \
		$(VENV)/bin/pyright --threads 2; types=$$?; wait $$twice && exit $$types

bench: $(STAMP)
	$(RUN) -m benchmarks.browser

screenshot: $(STAMP)
	$(RUN) -m benchmarks.screenshot

setup: $(STAMP)

# Made again when a requirement changes; a second start reuses it. By uv in a third of pip's time, by pip where it fails.
UV := uv==0.13.9
REQUIREMENTS := -r requirements.txt -r requirements-dev.txt
$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian: apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (a minute or two)"
	@{ $(RUN) -m pip install --quiet $(UV) && \
		$(RUN) -m uv pip install --quiet --python $(RUN) $(REQUIREMENTS); } || \
		$(RUN) -m pip install --quiet $(REQUIREMENTS)
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
