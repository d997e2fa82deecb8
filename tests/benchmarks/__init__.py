"""What the platform can do, measured: `python -m tests.benchmarks.NAME --json`.

Each module measures the production code against a reference in the same run, by turns, and
prints one JSON object a line.  `measures.py` says how figures are taken and written down.
"""
