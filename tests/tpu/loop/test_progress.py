import io

import rich.console

from largebatch.tpu.loop.progress import Progress


def shown(terminal):
    out = io.StringIO()
    console = rich.console.Console(file=out, force_terminal=terminal, width=120)
    progress = Progress(100, 10, console)
    progress.update(40, 0.5, 0.01, 1234.0)
    progress.update(41, 0.4, 0.01, 1234.0)
    progress.say("step 41: [accuracy] 0.9")
    progress.stop()
    return out.getvalue()


def test_off_a_terminal_it_prints_plain_lines_now_and_then():
    lines = shown(False).splitlines()
    assert lines[0].startswith("step 40/100  loss 0.5000  rate 0.01  1,234 examples/s")
    assert lines[0].endswith("left")
    # The second update came too soon for a line of its own; brackets are text, not markup.
    assert lines[1:] == ["step 41: [accuracy] 0.9"]


def test_on_a_terminal_it_is_a_bar():
    text = shown(True)
    assert "\x1b[" in text and "loss 0.4000" in text
