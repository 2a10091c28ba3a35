"""What the paper claims, and what the results say of it: `python -m largebatch.experiments.claims`.

`claims` has the table; `criteria` says what counts as holding; `evidence` finds the runs;
`statistics` has the intervals.
"""
