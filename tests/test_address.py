"""The repository's address in lessons, README and CITATION.cff: with one, without one, and back."""

import nbformat
import pytest

import pylib
from tools import address

HERE = "https://github.com/someone/vae"
LESSON = address.ROOT / "notebooks" / "04_latent_grid.ipynb"


def read(path):
    return nbformat.read(path, as_version=4)


def stored_address():
    (cell,) = (cell for cell in read(LESSON).cells if cell.id == address.FIRST_CELL)
    return cell.source.split("--no-deps ")[1].split("/releases/")[0] if "--no-deps" in cell.source else ""


@pytest.mark.parametrize("path", address.LESSONS, ids=lambda path: path.stem)
def test_lessons_are_as_the_address_makes_them(path):
    name = path.relative_to(address.ROOT).as_posix()
    assert address.lesson(read(path), name, stored_address()) == read(path)
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert code[0].id == address.FIRST_CELL


@pytest.mark.parametrize(("name", "change"), [("README.md", address.readme), ("CITATION.cff", address.citation)])
def test_texts_are_as_the_address_makes_them(name, change):
    text = (address.ROOT / name).read_text("utf-8")
    assert change(text, stored_address()) == text
    without = change(text, "")
    with_one = change(without, HERE)
    assert change(with_one, "") == without and change(with_one, HERE) == with_one


def test_the_readme_links_each_lesson_once_and_the_citation_names_the_address():
    text = (address.ROOT / "README.md").read_text("utf-8")
    lessons = sorted((address.ROOT / "notebooks").glob("0*.ipynb"))
    assert len(lessons) == 6
    for path in lessons:
        link = f"https://colab.research.google.com/github/someone/vae/blob/HEAD/notebooks/{path.name}"
        assert address.readme(text, HERE).count(link) == 1 and link not in address.readme(text, "")
    assert address.citation("title: VAE\n", HERE) == f'title: VAE\nrepository-code: "{HERE}"\n'


def test_a_lesson_with_an_address():
    name, version = "notebooks/04_latent_grid.ipynb", pylib.__version__
    lesson = address.lesson(read(LESSON), name, HERE)
    title, links = lesson.cells[0].source.split("\n\n")[:2]
    assert title == read(LESSON).cells[0].source.split("\n\n")[0]
    assert links == (
        f"*[open in Colab](https://colab.research.google.com/github/someone/vae/blob/HEAD/{name}), "
        f"[in Binder](https://mybinder.org/v2/gh/someone/vae/HEAD?labpath={name})*"
    )
    wheel = f"{HERE}/releases/download/v{version}/vae_by_doing-{version}-py3-none-any.whl"
    assert f"\n    %pip install --quiet --no-deps {wheel}\n" in lesson.cells[1].source
    assert address.lesson(lesson, name, "") == address.lesson(read(LESSON), name, "")


def test_only_github_has_links_to_hosted_machines():
    assert address.hosted("https://example.org/someone/vae", "notebooks/a.ipynb") == ""
    assert address.hosted("", "notebooks/a.ipynb") == ""


@pytest.mark.parametrize("wrong", ["github.com/someone/vae", "https://github.com", "git@github.com:someone/vae"])
def test_what_is_no_address(wrong):
    with pytest.raises(SystemExit, match="the address must be one such as"):
        address.main(wrong)
