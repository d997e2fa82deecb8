"""A draft of the city's rules, tried on what was ordered.

`past` reads, `books` asks the rules, `prices` does the sums, `caps` counts, `waits` says what of
waiting can be told, `tally` adds up, and `work` goes through a month with all of them.
"""
