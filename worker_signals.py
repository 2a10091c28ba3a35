"""Imported before all else in a server of workers: Ctrl-C ends it, and its workers, without a word.

A terminal sends Ctrl-C to all of a program's processes; the program alone answers.
"""

import os
import signal

signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
