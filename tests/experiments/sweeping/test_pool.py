from __future__ import annotations

import os
import signal
import sys
import threading
import time

from largebatch.experiments.sweeping.pool import LOG, Ended, Job, Pool, last_words, reason


def job(tmp_path, name, code):
    return Job(name, str(tmp_path / name), [sys.executable, "-c", code])


def test_each_job_ends_with_its_exit_code_and_its_output_in_its_folder(tmp_path):
    ended = []
    jobs = [
        job(tmp_path, "good", "print('hello')"),
        job(tmp_path, "bad", "import sys; sys.exit(3)"),
        job(tmp_path, "killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    ]
    Pool(2).run(jobs, ended.append)
    assert {end.job.title: end.code for end in ended} == {"good": 0, "bad": 3, "killed": 137}
    assert (tmp_path / "good" / LOG).read_text().endswith("hello\n")


def test_no_more_than_the_given_number_run_at_a_time(tmp_path):
    pool = Pool(2)
    seen = []
    jobs = [job(tmp_path, f"{n}", "import time; time.sleep(0.3)") for n in range(5)]
    pool.run(jobs, lambda end: None, lambda: seen.append(len(pool.active)))
    assert max(seen) == 2


def test_a_second_signal_kills_a_run_that_does_not_end(tmp_path):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    stubborn += "open('started', 'w').close()\ntime.sleep(60)"
    started = tmp_path / "stubborn" / "started"
    stubborn = stubborn.replace("'started'", repr(str(started)))
    ended = []
    pool = Pool(1)

    def signals():
        while not started.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=signals)
    thread.start()
    pool.run([job(tmp_path, "stubborn", stubborn), job(tmp_path, "next", "")], ended.append)
    thread.join()
    assert [(end.job.title, end.code) for end in ended] == [("stubborn", 137)]
    assert pool.stopped_by == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_killed_subprocess_says_by_what_and_a_failed_one_its_last_words(tmp_path):
    def why(code, words=""):
        (tmp_path / LOG).write_text(words)
        return reason(Ended(Job("x", str(tmp_path), []), code, 1.0))

    assert why(137, "step 3\n") == "killed by SIGKILL; out of memory?"
    assert why(139) == "killed by SIGSEGV"
    assert why(1, "error: no room\n") == "exit code 1: error: no room"
    assert why(1) == "exit code 1"


def test_the_last_words_are_the_error_or_else_the_last_line(tmp_path):
    (tmp_path / LOG).write_text("$ command\nstep 1\nerror: no such data\n\nbye\n")
    assert last_words(str(tmp_path)) == "error: no such data"
    (tmp_path / LOG).write_text("Traceback\n  line\nKeyError: 'x'\n")
    assert last_words(str(tmp_path)) == "KeyError: 'x'"
    assert last_words(str(tmp_path / "nowhere")) == ""
