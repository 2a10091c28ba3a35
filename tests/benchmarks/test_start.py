import sys

import pytest

from largebatch.benchmarks import start


def test_a_start_ends_with_the_logs_first_line_and_its_time_is_taken(tmp_path):
    log = tmp_path / "log"
    script = f"open({str(log)!r}, 'w').write('one'); import time; time.sleep(60)"
    seconds, processor = start.until([sys.executable, "-c", script], log)
    # Its processor time is counted in ticks of 1/100 s: a start may take less than the next one.
    assert 0 < processor < seconds + 0.02 and seconds < 50


def test_a_run_that_fails_before_its_first_update_is_told_with_its_words(tmp_path):
    command = [sys.executable, "-c", "print('no such row')"]
    with pytest.raises(RuntimeError, match="no such row"):
        start.until(command, tmp_path / "log")
