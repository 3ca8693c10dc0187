# Every target sets itself up first (tools/set_up.py); with nothing changed since, that takes no time.
.PHONY: lab test quick lessons tolerances site exercises student-release weights bench images older address constraints format lint

# The versions tested. For the newest instead, in a fresh clone: make test CONSTRAINTS=
CONSTRAINTS ?= -c constraints.txt
export CONSTRAINTS
LESSONS ?= $(sort $(wildcard notebooks/[0-9][0-9]_*.ipynb))

# Or TensorFlow writes start-up lines.
export TF_CPP_MIN_LOG_LEVEL = 2

# The .venv's own Python comes last, for a terminal in which no other fits.
SET_UP = for python in python3 python3.13 python3.12 python3.11 .venv/bin/python none; do \
		$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break; \
	done; \
	if [ $$python = none ]; then \
		echo "The lessons need Python 3.11, 3.12 or 3.13, and none of them is on PATH: install one and try again." >&2; \
		exit 1; \
	fi; \
	$$python tools/set_up.py
PYTEST = .venv/bin/python -m pytest --durations 10
TWO_AT_A_TIME = --numprocesses 2 --dist loadfile --no-loadscope-reorder
LONGEST = $(addprefix tests/,test_lessons.py test_lessons_own_pictures.py test_teaching.py)
ENABLED = PATH="$(CURDIR)/.venv/bin:$$PATH"

# Options for JupyterLab: make lab OPTIONS="--ip=0.0.0.0 --no-browser"
lab:  # .venv on PATH lets a terminal in JupyterLab find tensorboard
	$(if $(findstring --allow-root,$(OPTIONS)),,@if [ $$(id -u) = 0 ]; then \
		echo "JupyterLab does not run as root unless it is told to: make lab OPTIONS=--allow-root" >&2; exit 1; fi)
	@$(SET_UP) lab
	$(ENABLED) jupyter lab --notebook-dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks $(OPTIONS)

# Each part runs even where an earlier one fails. Long files come first, so that no worker ends alone.
test:
	@$(SET_UP) test
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(PYTEST) $(TWO_AT_A_TIME) -m "not browser and not hub" $(LONGEST) notebooks tests || failed=1; \
	$(PYTEST) $(TWO_AT_A_TIME) -m browser tests/browser || failed=1; \
	$(PYTEST) -m hub tests/hub || failed=1; \
	exit $$failed

# For the everyday loop: lint and the fast tests, without notebooks, grading and browser.
quick:
	@$(SET_UP) test
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(PYTEST) $(TWO_AT_A_TIME) -m "not browser and not hub and not slow" tests || failed=1; \
	exit $$failed

# Run notebooks and store their outputs.
# One of them: make lessons LESSONS=notebooks/01_autoencoder.ipynb
lessons:
	@$(SET_UP) test
	$(ENABLED) python -m tools.run_lessons $(LESSONS)

# How far the figures of lessons differ between machines and random streams, and by how much they may: in
# tests/tolerances.csv and in the cells' metadata. Each notebook is run five times, which takes half an hour in all.
tolerances:
	@$(SET_UP) test
	$(ENABLED) python -m tools.measure_tolerances $(LESSONS) $(if $(findstring 05,$(LESSONS)),notebooks/teacher/05_exercises.ipynb)

# The course as a site in site/, from what is stored: open site/index.html. With REPOSITORY=https://... it links there.
site:
	@$(SET_UP) test
	.venv/bin/python -m tools.build_site site

# The learners' exercises and the pictures they expect, from the teacher's; both are run.
exercises:
	@$(SET_UP) test
	.venv/bin/python -m tools.make_exercises

# dist/vae-by-doing.zip: what students get, without solutions and hidden tests.
student-release:
	@$(SET_UP) lab
	.venv/bin/python -m tools.student_release

# The small trained networks that lesson 05 starts from, and the classifier that judges pictures: some five minutes.
weights:
	@$(SET_UP) lab
	.venv/bin/python -m tools.train_weights

# Speed beside others, in benchmarks/results.md. For JAX and PyTorch, first: .venv/bin/pip install -e '.[bench]'
bench:
	@$(SET_UP) test
	$(ENABLED) python benchmarks/bench.py

# All lessons at one epoch on the oldest versions that requirements.txt allows, as hosts of notebooks have them.
older:
	@$(SET_UP) test
	.venv/bin/python -m tools.run_older

# Write the repository's address into lessons, README and CITATION.cff: make address REPOSITORY=https://...
address:
	@$(SET_UP) lab
	.venv/bin/python -m tools.address "$(REPOSITORY)"

images:
	@$(SET_UP) lab
	.venv/bin/python -m tools.draw_diagrams

constraints: CONSTRAINTS =  # which may no longer fit what is required
constraints:
	@[ -x .venv/bin/uv ] || { $(SET_UP) lab; }
	.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
		--extra test --extra page --extra hub --no-emit-package vae-by-doing --no-header --no-annotate \
		requirements.txt pyproject.toml --output-file constraints.txt

format:
	@$(SET_UP) test
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
	@if [ -x .venv/bin/deno ]; then .venv/bin/deno fmt; fi

# Python and notebooks; public docstrings; JavaScript and CSS, where deno can be installed.
lint:
	@$(SET_UP) test
	@failed=0; \
	.venv/bin/ruff check || failed=1; \
	.venv/bin/ruff format --check || failed=1; \
	.venv/bin/numpydoc lint $$(find pylib -name '*.py') || failed=1; \
	if [ -x .venv/bin/deno ]; then \
		.venv/bin/deno fmt --check && .venv/bin/deno lint && .venv/bin/deno check pylib/widgets/*.js tools/*.js || failed=1; \
	elif [ -n "$$SKIP_NOTHING" ]; then \
		echo "JavaScript can't be checked: deno is not installed in .venv" >&2; failed=1; \
	else \
		echo "JavaScript is not checked, since deno is not installed here"; \
	fi; \
	exit $$failed
