"""The lessons as files: executed, short, free of machine paths, and equal to pylib where they teach it."""

import ast
import csv
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tools.measure_tolerances import texts, tolerance
from tools.notebooks import alt_texts, is_blank, pictures
from tools.printed import MEASURED, printed, refusals, tolerance_of

ROOT = Path(__file__).parents[1]
LESSONS = [
    path for folder in ("notebooks", "notebooks/teacher") for path in sorted(ROOT.glob(f"{folder}/[0-9][0-9]_*.ipynb"))
]

# What each lesson teaches that a pylib module holds too, for later lessons to import.
TAUGHT = {
    "01_autoencoder": {"models": ["build_autoencoder"], "training": ["batches", "compile_settings", "train"]},
    "02_denoising": {"noise": ["uniform", "gaussian", "salt_and_pepper", "block", "psnr"]},
    "03_vae_theory": {
        "losses": ["sample", "kl_to_unit", "bernoulli_reconstruction", "gaussian_reconstruction"],
        "evidence": ["log_weights", "elbo", "importance_weighted_bound", "exact_log_likelihood"],
        "_networks": ["Sampling"],
        "training": ["fit_vae"],
    },
    "06_latent_diffusion": {
        "diffusion": [
            "noised",
            "build_velocity",
            "fit_velocity",
            "_compiled",
            "field",
            "follow",
            "_with_slopes",
            "divergence",
            "flow_log_density",
            "Diffusion",
        ],
    },
}
TAUGHT_NAMES = [
    (lesson, module, name) for lesson, modules in TAUGHT.items() for module, names in modules.items() for name in names
]
PYLIB = ROOT / "pylib"
MODULES = [path.relative_to(PYLIB).with_suffix("").as_posix() for path in PYLIB.rglob("*.py")]
WIDGET = "application/vnd.jupyter.widget-view+json"
IGNORED_TAGS = {"nbval-ignore-output", "nbval-skip"}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(home|Users|root|tmp|private|var|work|mnt|opt)/|\b[A-Z]:\\")

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path, cell_type):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == cell_type]


def definitions(source):
    """The top-level functions and classes of Python source, by name, without docstrings and decorators."""
    top = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in (inner for outer in top for inner in ast.walk(outer)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.decorator_list = []
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
    return {node.name: ast.unparse(node) for node in top}


def lesson_definitions(path):
    found = {}
    for cell in cells(path, "code"):
        found |= definitions(TransformerManager().transform_cell(cell.source))  # it may hold magics
    return found


def module_definitions(module):
    return definitions((PYLIB / f"{module}.py").read_text(encoding="utf-8"))


def test_there_are_lessons():
    assert {path.stem for path in LESSONS} >= set(TAUGHT)


@each_lesson
def test_executed_in_order_without_error(path):
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [cell.source for cell in code for output in cell.outputs if output.output_type == "error"]
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3", "other kernels are not everywhere"


@each_lesson
def test_nothing_from_the_error_stream_is_stored(path):
    names = [output.get("name") for cell in cells(path, "code") for output in cell.outputs]
    assert "stderr" not in names


@each_lesson
def test_code_cells_are_short(path):
    lengths = [len(cell.source.splitlines()) for cell in cells(path, "code")]
    assert max(lengths) <= 25
    assert statistics.median(lengths) <= 8


@each_lesson
def test_one_early_cell_sets_the_parameters(path):
    tagged = [
        (position, cell.source)
        for position, cell in enumerate(cells(path, "code"))
        if "parameters" in cell.metadata.get("tags", [])
    ]
    assert len(tagged) == 1
    position, source = tagged[0]
    assert position < 5
    assert re.search(r"^num_epochs\s*=", source, re.MULTILINE)


@each_lesson
def test_pictures_need_no_file_beside_the_notebook(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert not re.findall(r"!\[.*?\]\(|<img\b", text), "use show_image, which finds pylib's pictures anywhere"
    for cell in cells(path, "code"):
        for name in re.findall(r'\bshow_image\(\s*"(.+?)"', cell.source):
            (alt,) = alt_texts(cell.outputs)
            assert pictures(cell.outputs) == [(ROOT / "images" / name).read_bytes()], f"{name} has changed"
            assert alt and cell.metadata.jupyter.source_hidden


@each_lesson
def test_no_path_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    texts = [cell.source for cell in notebook.cells]
    for cell in cells(path, "code"):
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            texts += [str(data) for kind, data in output.get("data", {}).items() if not kind.startswith("image/")]
    assert not [text for text in texts if MACHINE_PATH.search(text) or str(ROOT) in text]


@each_lesson
def test_only_live_widgets_are_ignored(path):
    code = cells(path, "code")
    tags = [set(cell.metadata.get("tags", [])) for cell in code]
    ignored = [
        cell
        for cell, cell_tags in zip(code, tags, strict=True)
        if cell_tags & IGNORED_TAGS or re.search(r"#\s*NBVAL_(IGNORE|SKIP)", cell.source)
    ]
    assert not [cell.id for cell in ignored for output in cell.outputs if WIDGET not in output.get("data", {})]
    varies = [cell for cell, cell_tags in zip(code, tags, strict=True) if "picture-varies" in cell_tags]
    assert len(ignored) + len(varies) <= len(code) * 2 / 5


@each_lesson
def test_figures_rather_than_verdicts(path):
    lines = [line for cell in cells(path, "code") for line in printed(cell).splitlines()]
    assert not [line for line in lines if re.search(r"\b(True|False)\b", line)]


@each_lesson
def test_no_tolerance_lets_a_claim_be_either_way(path):
    for cell in cells(path, "code"):
        assert refusals(printed(cell), tolerance_of(cell)) == []


@each_lesson
def test_tolerances_were_measured(path):
    with (ROOT / "tests" / "tolerances.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in list(csv.reader(file))[1:] if ROOT / row[0] == path]
    measured = {}
    for row in rows:
        measured.setdefault(row[1], []).append(row)
    stored = texts(nbformat.read(path, as_version=4))
    for cell in cells(path, "code"):
        rows, figures = measured.get(cell.id, []), MEASURED.findall(stored.get(cell.id, ""))
        assert len(rows) == len(figures), f"cell {cell.id}: make tolerances"
        assert tolerance_of(cell) == tolerance(rows), f"cell {cell.id}: make tolerances"


@each_lesson
def test_each_picture_has_an_alt_text_where_readers_look_for_it(path):
    for cell in cells(path, "code"):
        alt = alt_texts(cell.outputs)
        assert len(alt) <= 1, "MyST-NB has one alt text for a cell"
        assert all(len(text) >= 20 and len(text.split()) >= 4 for text in alt), cell.id
        assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt") == (alt[0] if alt else None)


@each_lesson
def test_no_line_of_progress_stays(path):
    assert not [cell.id for cell in cells(path, "code") for output in cell.outputs if is_blank(output)]


@each_lesson
def test_ends_in_summary_references_glossary(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert set(re.findall(r"^## (.+?)\s*$", text, re.MULTILINE)[-3:]) == {"Summary", "References", "Glossary"}


@pytest.mark.parametrize(("lesson", "module", "name"), TAUGHT_NAMES)
def test_taught_code_is_pylibs(lesson, module, name):
    taught = lesson_definitions(ROOT / "notebooks" / f"{lesson}.ipynb")
    assert name in taught, f"{lesson} no longer defines {name}"
    assert taught[name] == module_definitions(module)[name]


@each_lesson
def test_every_namesake_of_pylib_is_in_the_table(path):
    namesakes = {
        (path.stem, module, name)
        for module in MODULES
        for name in lesson_definitions(path).keys() & module_definitions(module).keys()
    }
    assert namesakes <= set(TAUGHT_NAMES)


def documented_functions():
    """The functions and classes at the top of pylib's modules, each with its module."""
    for module in MODULES:
        for node in ast.parse((PYLIB / f"{module}.py").read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield module, node


def test_docstrings_say_which_lesson_teaches_the_function():
    stated = {
        (lesson, module, node.name)
        for module, node in documented_functions()
        for lesson in re.findall(r"Taught in lesson (\d\d)\.", ast.get_docstring(node) or "")
    }
    assert stated == {(lesson[:2], module, name) for lesson, module, name in TAUGHT_NAMES}


def test_functions_that_validate_say_what_they_raise():
    validated = [
        node
        for _, node in documented_functions()
        if any(ast.unparse(decorator).startswith("_validate.arguments") for decorator in node.decorator_list)
    ]
    assert len(validated) > 10
    assert not [node.name for node in validated if "Raises\n------\n" not in ast.get_docstring(node)]
