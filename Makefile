# Every target sets itself up first; with nothing changed since, that takes no time.
.PHONY: lab test lessons html exercises student-release weights bench images constraints format lint

# The versions tested. For the newest instead, in a fresh clone: make test CONSTRAINTS=
CONSTRAINTS ?= -c constraints.txt
LESSONS ?= $(sort $(wildcard notebooks/[0-9][0-9]_*.ipynb))

# Or TensorFlow writes start-up lines.
export TF_CPP_MIN_LOG_LEVEL = 2

PIP = .venv/bin/python -m pip --disable-pip-version-check
LINT = .venv/bin/ruff check; checked=$$?; .venv/bin/ruff format --check && exit $$checked
ENABLED = PATH="$(CURDIR)/.venv/bin:$$PATH"

lab: .venv/lab.stamp  # .venv on PATH lets a terminal in JupyterLab find tensorboard
	$(ENABLED) jupyter lab --notebook-dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks

# Each part runs even where an earlier one fails. Long files come first, so that no worker ends alone.
# The browser has the machine for itself, since it is timed.
test: .venv/test.stamp
	@failed=0; \
	($(LINT)) || failed=1; \
	.venv/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder notebooks tests \
		--ignore tests/test_browser.py --ignore tests/test_drawing_browser.py || failed=1; \
	.venv/bin/python -m pytest tests/test_browser.py tests/test_drawing_browser.py || failed=1; \
	exit $$failed

# Run notebooks and store their outputs, without what C++ code says to the terminal.
# One of them: make lessons LESSONS=notebooks/01_autoencoder.ipynb
lessons: .venv/test.stamp
	$(ENABLED) jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
		--ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False $(LESSONS)

# The lessons as stored, as pages in html/ for any browser: the explorer in them needs no kernel and no network.
html: .venv/test.stamp
	.venv/bin/python tools/export_html.py html $(LESSONS)

# The learners' exercises and the pictures they expect, from the teacher's; both are run.
exercises: .venv/test.stamp
	.venv/bin/python tools/make_exercises.py

# dist/vae-by-doing.zip: what students get, without solutions and hidden tests.
student-release: .venv/lab.stamp
	.venv/bin/python tools/student_release.py

# The small trained networks that lesson 05 starts from: about three minutes.
weights: .venv/lab.stamp
	.venv/bin/python tools/train_weights.py

# Speed beside others, in benchmarks/results.md. For JAX and PyTorch, first: .venv/bin/pip install -e '.[bench]'
bench: .venv/test.stamp
	$(ENABLED) python benchmarks/bench.py

images: .venv/lab.stamp
	.venv/bin/python images/draw.py

constraints: | .venv/bin/python
	$(PIP) install --quiet uv
	.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
		--extra test --no-emit-package vae-by-doing --no-header --no-annotate \
		requirements.txt pyproject.toml --output-file constraints.txt

format: .venv/test.stamp
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

lint: .venv/test.stamp
	@$(LINT)

.venv/test.stamp: .venv/lab.stamp
	$(PIP) install $(CONSTRAINTS) -e '.[test]'
	touch $@

.venv/lab.stamp: requirements.txt constraints.txt pyproject.toml | .venv/bin/python
	$(PIP) install $(CONSTRAINTS) -r requirements.txt
	touch $@

.venv/bin/python:
	@for python in python3 python3.13 python3.12 python3.11 none; do \
		$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break; \
	done; \
	if [ $$python = none ]; then \
		echo "The lessons need Python 3.11, 3.12 or 3.13, and none of them is on PATH: install one and try again." >&2; \
		exit 1; \
	fi; \
	$$python -m venv .venv
