"""Programs made by threads: in order, with their failures kept, and an end to the waiting."""

import threading

import pytest

from largebatch.benchmarks.gpu_compiler import Compiler


def test_programs_are_made_in_order_and_a_failure_is_raised_where_it_is_asked_for():
    begun = []

    def make(name):
        begun.append(name)
        if name == "b":
            raise ValueError("does not compile")
        return name.upper()

    compiler = Compiler(1, make, lambda line: None)
    compiler.begin(["a", "b", "c"])
    assert compiler.get("c") == "C" and begun == ["a", "b", "c"]
    assert compiler.ready("b")
    with pytest.raises(ValueError, match="does not compile"):
        compiler.get("b")
    while compiler.wait(0.01):
        pass


def test_waiting_ends_only_when_every_program_was_told_of():
    gate = threading.Event()
    compiler = Compiler(1, lambda name: gate.wait(10), lambda line: None)
    compiler.begin(["a"])
    assert compiler.wait(0.01) and not compiler.ready("a")
    gate.set()
    compiler.get("a")
    assert compiler.wait(0.01)  # it is new
    assert not compiler.wait(0.01)


def test_giving_up_begins_no_further_program():
    gate, begun = threading.Event(), []

    def make(name):
        begun.append(name)
        gate.wait(10)

    compiler = Compiler(1, make, lambda line: None)
    compiler.begin(["a", "b"])
    compiler.give_up()
    gate.set()
    compiler.get("a")
    assert begun == ["a"] and compiler.ready("b")
