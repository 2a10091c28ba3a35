import io

import rich.console

from largebatch.tpu.loop import progress as progress_module
from largebatch.tpu.loop.progress import Progress


def shown(terminal):
    out = io.StringIO()
    console = rich.console.Console(file=out, force_terminal=terminal, width=120)
    progress = Progress(100, 10, console)
    progress.phase("compiling")
    progress.update(20, 0.6, 0.01, 1.0)
    progress._last_line = 0.0
    progress.update(40, 0.5, 0.01, 1234.0)
    progress.update(41, 0.4, 0.01, 1234.0)
    progress.say("step 41: [accuracy] 0.9")
    progress.stop()
    return out.getvalue()


def test_off_a_terminal_it_prints_plain_lines_now_and_then():
    lines = shown(False).splitlines()
    # The first interval compiles: it tells no speed.
    assert lines[:2] == ["compiling", "step 20/100  loss 0.6000  rate 0.01  ? left"]
    assert lines[2].startswith("step 40/100  loss 0.5000  rate 0.01  1,234 examples/s")
    assert lines[2].endswith("s left")
    # The third update came too soon for a line of its own; brackets are text, not markup.
    assert lines[3:] == ["step 41: [accuracy] 0.9"]


def test_on_a_terminal_it_is_a_bar():
    text = shown(True)
    assert "\x1b[" in text and "loss 0.4000" in text


def test_the_time_left_leaves_the_first_interval_out(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: clock[0])
    out = io.StringIO()
    progress = Progress(100, 0, rich.console.Console(file=out, width=120))
    for seconds, step in ((1200, 10), (1220, 30)):  # 20 minutes of compilation, then 1 s an update
        clock[0] = float(seconds)
        progress.update(step, 0.5, 0.01, 10.0)
    assert out.getvalue().splitlines()[-1].endswith("1m 10s left")


def test_quiet_leaves_warnings():
    out = io.StringIO()
    progress = Progress(10, 0, rich.console.Console(file=out, force_terminal=True), quiet=True)
    progress.phase("compiling")
    progress.update(5, 0.5, 0.01, 10.0)
    progress.say("step 5")
    progress.warn("unreadable: ckpt-4")
    progress.stop()
    assert "unreadable: ckpt-" in out.getvalue() and "step" not in out.getvalue()
