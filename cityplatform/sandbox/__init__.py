"""The sandbox bank: a small server that speaks Stripe's wire format and moves no real money.

A city can try every ride, stay and parcel with cards before it has signed with a bank. The
unchanged `stripe` SDK drives it by base address, so the demonstration runs the same code that
production runs. Its state is one SQLite file; what was answered was on disk before.
"""
