import gzip

import pytest

from largebatch.data.text import docstrings

SOURCE = '''
"""A module about nothing.

It holds prose of two kinds.  This sentence is long enough to be kept.

>>> code = "This looks like a sentence, but it is code."
"""

import this_module_must_not_be_imported

class Thing:
    """Does a thing that one can describe in words.

    Parameters
    ----------
    axis : int, optional
        The axis along which the thing is done. Too short.

    Args:
      value: The value that is passed to the thing.
      other (str): this one does not begin like a sentence.

    Example::

        result = thing(axis=0)  # A line of code with a comment in it.

    ```
    This is inside a fence and is left out.
    ```
    """

    def do(self):
        """This sentence is long enough to be kept."""
        raise ValueError("No docstring is this one here.")
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package whose import fails."""
    folder = tmp_path / "largebatch_test_package"
    (folder / "tests").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "b.py").write_text(SOURCE)
    (folder / "a.py").write_text('"""The first file comes first. It has two sentences in it."""\n')
    (folder / "broken.py").write_text('def f(:\n    """Not to be parsed by any Python."""')
    (folder / "tests" / "c.py").write_text('"""A test is not read at all. Never at all."""')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        docstrings, "PACKAGES", (("largebatch_test_package", None), ("nowhere", None))
    )
    return folder


def test_sentences_of_docstrings_are_kept_without_code_and_without_importing(package):
    documents = docstrings.collect().decode().split("\n\n")
    assert documents[-2:] == [
        "The first file comes first.\nIt has two sentences in it.",
        "It holds prose of two kinds.\n"
        "This sentence is long enough to be kept.\n"
        "Does a thing that one can describe in words.\n"
        "The axis along which the thing is done.\n"
        "The value that is passed to the thing.\n",
    ]
    assert len(documents) > 50  # the topics of Python's language reference before them


def test_what_is_collected_is_the_same_each_time_and_has_no_sentence_twice(package):
    collected = docstrings.collect()
    assert collected == docstrings.collect()
    lines = [line for line in collected.decode().split("\n") if line]
    assert len(lines) == len(set(lines)) > 1000


def test_what_decides_it_names_each_package_s_version():
    found = docstrings.sources()
    assert found[0].startswith("python 3.")
    assert any(entry.startswith("sklearn 1.") for entry in found)
    assert any(entry.startswith("tensorflow 2.") for entry in found)


def test_the_program_writes_it_compressed_and_names_its_sources(package, tmp_path, capsys):
    path = tmp_path / "corpus.gz"
    assert docstrings.program(["docstrings", f"--output={path}"]) == 0
    assert gzip.decompress(path.read_bytes()) == docstrings.collect()
    assert "\npython 3." in capsys.readouterr().out
