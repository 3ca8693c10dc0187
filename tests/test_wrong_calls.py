"""Each public function called wrongly in many ways: the answer is one sentence of pylib's own, or is documented."""

import dis
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

import pylib  # noqa: E402
from pylib import checks  # noqa: E402
from tests.good_calls import GOOD  # noqa: E402

pytestmark = pytest.mark.slow

# Keras reads the signature of a model's `__init__`, which must stay bare, so Python's own sentence answers.
BY_PYTHON = {"models.VAE(one too many)"}

# What only pylib calls, to say what it found.
RECORDS = {"checks.Verdict", "checks.mark"}  # what `mark` raises is a verdict; test_marking has its wrong calls

# Their good calls take seconds, and are in tests of their own.
SLOW = {"training.fit_vae", "training.train", *(name for name in GOOD if name.startswith("checks."))}

# Unusual calls that have a meaning.
DOCUMENTED = {
    f"{name}({argument}: {kind})"
    for kind, functions in {
        "None": {
            "claims.claims_of": ["data"],
            "diffusion.fit_velocity": ["label"],
            "evidence.best_gaussian": ["limit"],
            "evidence.elbo": ["prior"],
            "evidence.exact_log_likelihood": ["limit", "prior"],
            "evidence.importance_weighted_bound": ["prior"],
            "evidence.log_weights": ["prior"],
            "evidence.quadrature_error": ["limit", "prior"],
            "evidence.true_posterior": ["limit"],
            "mnist_dataset.class_names": ["path"],
            "mnist_dataset.load": ["path"],
            "models.VAE": ["activation", "n_classes"],
            "models.build_autoencoder": ["activation", "code_activation"],
            "plots.arrows": ["pictures"],
            "plots.curves": ["title"],
            "plots.digit_rows": ["titles"],
            "plots.plane": ["names"],
            "plots.posteriors": ["titles"],
            "plots.scatters": ["names"],
            "plots.territories": ["names"],
            "progress.Progress": ["steps", "total"],
            "tf_utils.class_names": ["path"],
            "tf_utils.mnist_test": ["path"],
            "tf_utils.mnist_train": ["path"],
            "training.LossPlot": ["bottom", "levels"],
            "widgets.DiffusionWalk": ["names"],
            "widgets.DrawnDigit": ["names"],
            "widgets.LatentExplorer": ["names"],
        },
        "text": {  # any will do
            "checks.ProgressTable": ["path"],
            "claims.claim": ["what", "beside", "unit"],
            "claims.claims_of": ["data"],
            "claims.identity": ["left", "right", "unit"],
            "plots.bars": ["ylabel", "xlabel"],
            "plots.curves": ["xlabel", "ylabel", "title"],
            "plots.heat_maps": ["xlabel", "ylabel"],
            "plots.plane": ["title"],
            "plots.scatters": ["xlabel", "ylabel"],
            "tensorboardcmd.TensorBoardCommand": ["log_dir"],
            "tensorboardcmd.new_run": ["lesson"],
            "tensorboardcmd.tensorboard_cmd": ["log_dir"],
            "progress.Progress": ["steps", "what"],
            "training.LossPlot": ["panels"],
            "widgets.FigureSlider": ["name"],
        },
        "NaN": {  # gives NaN
            "claims.claim": ["figure", "compared"],
            "likelihood.softplus": ["a"],
            "losses.bernoulli_reconstruction": ["x", "logits"],
            "losses.gaussian_reconstruction": ["x", "mean"],
            "losses.kl_to_unit": ["z_mean", "z_log_var"],
            "losses.sample": ["z_mean", "z_log_var", "eps"],
        },
        "empty": {"likelihood.blocks": ["array"], "progress.Progress": ["steps"]},
        "narrow": {  # any width will do
            "diffusion.noised": ["z"],
            "likelihood.blocks": ["array"],
            "likelihood.log_sum_exp": ["a"],
            "likelihood.softplus": ["a"],
            "noise.gaussian": ["images"],
            "noise.salt_and_pepper": ["images"],
            "noise.uniform": ["images"],
            "plots.latent_grids": ["grids"],
            "plots.plane": ["grid"],
            "plots.symmetric_limits": ["values"],
            "priors.Gaussian": ["codes"],
            "priors.Mixture": ["codes"],
            "preprocessing.centre_digit": ["drawing"],
        },
        "one row": {  # any shape will do, or shapes broadcast
            "divergence.gaussian_kl": ["q_mean", "q_log_var", "p_mean", "p_log_var"],
            "divergence.log_normal": ["z", "mean", "log_var"],
            "likelihood.blocks": ["array"],
            "likelihood.log_sum_exp": ["a"],
            "likelihood.softplus": ["a"],
            "losses.bernoulli_reconstruction": ["x", "logits"],
            "losses.gaussian_reconstruction": ["x", "mean"],
            "losses.kl_to_unit": ["z_mean", "z_log_var"],
            "losses.sample": ["z_mean", "z_log_var", "eps"],
            "plots.symmetric_limits": ["values"],
        },
    }.items()
    for name, arguments in functions.items()
    for argument in arguments
}

# Text of errors that Python and the libraries raise, if pylib quotes it.
FOREIGN = re.compile(
    r"'\w+' object|object is not|has no len|unsupported operand|could not|cannot be|not supported|not iterable|ufunc"
    r"|operands|truth value of an|setting an array|expected str, bytes|unhashable|too many values|not enough values"
    r"|must be real number|Received|Tensor\b|it stops with|Traceback"
)
PRIVATE = re.compile(r"(?<![\w/.])_\w+|__\w+__")


def public():
    """The functions and classes that pylib's modules define, and those that its packages list in `__all__`."""
    for info in pkgutil.iter_modules(pylib.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"pylib.{info.name}")
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        for name in getattr(module, "__all__", own):
            if not name.startswith("_") and callable(getattr(module, name)):
                yield f"{info.name}.{name}", getattr(module, name)


PUBLIC = dict(public())


def test_every_public_function_has_a_good_call():
    assert PUBLIC.keys() - RECORDS == GOOD.keys()


def run(function, arguments):
    call = inspect.BoundArguments(inspect.signature(function), arguments)
    return function(*call.args, **call.kwargs)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


@pytest.mark.parametrize("name", sorted(GOOD.keys() - SLOW))
def test_good_calls_work(name):
    run(PUBLIC[name], GOOD[name]())


def of_numpy(value):
    """The same with NumPy's integers in place of Python's."""
    if isinstance(value, list | tuple):
        return type(value)(map(of_numpy, value))
    return np.int64(value) if type(value) is int else value


@pytest.mark.parametrize("name", sorted(GOOD.keys() - SLOW))
def test_counts_of_numpy_work(name):
    arguments = GOOD[name]()
    counts = {key: of_numpy(value) for key, value in arguments.items() if not isinstance(value, np.ndarray | dict)}
    run(PUBLIC[name], arguments | counts)


# --- Wrong calls ------------------------------------------------------------------------------------


def wrong_values(value):
    """What to put in a value's place, each with a word for it."""
    yield from {"None": None, "text": "text", "NaN": np.nan, "empty": np.array([])}.items()
    if isinstance(value, np.random.Generator):
        yield from {"0": 0, "np.random": np.random}.items()
    for word, spoil in {"narrow": lambda x: x[..., :-1], "one row": lambda x: x[0]}.items():
        if isinstance(value, np.ndarray) and value.ndim > 1:
            yield word, spoil(value)
        if isinstance(value, dict) and all(isinstance(x, np.ndarray) and x.ndim > 1 for x in value.values()):
            yield word, {key: spoil(x) for key, x in value.items()}


def in_place_of(parameter, value, wrong):
    if parameter.kind is parameter.VAR_POSITIONAL:
        return (wrong, *value[1:])
    return dict.fromkeys(value, wrong) if parameter.kind is parameter.VAR_KEYWORD else wrong


def wrong_calls(name, function):
    """Wrong calls of a function, each with a name for it."""
    signature, arguments = inspect.signature(function), GOOD[name]()
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    if any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in signature.parameters.values()):
        yield f"{name}()", function
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        yield f"{name}(one too many)", lambda: function(*arguments.values(), 0)
    if name != "training.LossPlot":  # any name is a log's
        yield f"{name}(misnamed)", lambda: run(lambda *args, **kwargs: function(*args, **kwargs, colour=1), arguments)
    for argument, value in arguments.items():
        for word, wrong in wrong_values(value):
            spoilt = arguments | {argument: in_place_of(signature.parameters[argument], value, wrong)}
            yield f"{name}({argument}: {word})", lambda spoilt=spoilt: run(function, spoilt)


def problem(function, call):
    """What is wrong with the answer to a wrong call, or None."""
    try:
        result = call()
    except Exception as error:
        text, own = str(error), is_own(function, error)
    else:
        if not isinstance(result, checks.Verdict) or result.right:
            return "it passes"
        text, own = result.message, True
    if own and "\n" not in text and len(text) <= 400 and not FOREIGN.search(text) and not PRIVATE.search(text):
        return None
    return repr(text)[:200]


def is_own(function, error):
    """Whether an error is raised by a statement of pylib, or is Python's on a signature, with the function's name."""
    if not isinstance(error, ValueError | TypeError | FileNotFoundError):
        return False
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    if Path(pylib.__file__).parent in Path(code.co_filename).parents:
        return code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return str(error).startswith(f"{function.__name__}() ")


def problems(name):
    """Wrong calls whose answers are not as they should be, each with what is wrong."""
    answers = {words: problem(PUBLIC[name], call) for words, call in wrong_calls(name, PUBLIC[name])}
    return {words: what for words, what in answers.items() if what is not None and words not in DOCUMENTED | BY_PYTHON}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_wrong_calls_are_answered_in_a_sentence(name):
    assert problems(name) == {}


def test_what_is_documented_is_called():
    calls = {words for name in GOOD for words, _ in wrong_calls(name, PUBLIC[name])}
    assert DOCUMENTED <= calls


# --- Another backend of Keras -----------------------------------------------------------------------

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(f"pylib.{name}")
    except ImportError as error:
        print(name, error)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_modules_that_need_keras_say_which_backend(backend):
    modules = [info.name for info in pkgutil.iter_modules(pylib.__path__) if not info.name.startswith("_")]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(Path(pylib.__file__).parents[1])}
    printed = subprocess.check_output([sys.executable, "-c", IMPORT_ALL, *modules], text=True, env=environment)
    answers = dict(line.split(maxsplit=1) for line in printed.splitlines())
    needed = {"diffusion", "losses", "models", "pretrained", "quality", "tf_utils", "training"}
    assert answers.keys() == needed
    sentence = f"the lessons need Keras on TensorFlow, not on {backend}: set the environment variable KERAS_BACKEND"
    assert all(answer.startswith(sentence) for answer in answers.values()), answers
