"""Currencies of the sandbox: their decimals, their smallest charge, the bank's fee, their words."""

from cityplatform.sandbox.errors import invalid

# How many decimals an amount has (stripe.com/docs/currencies).
DECIMALS = {
    0: "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf",
    3: "bhd jod kwd omr tnd",
    2: (
        "aed all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad "
        "cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd "
        "hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk "
        "mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron "
        "rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd "
        "uyu uzs wst xcd yer zar zmw"
    ),
}
EXPONENTS = {code: places for places, codes in DECIMALS.items() for code in codes.split()}
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}

# The smallest card payment where Stripe publishes one; elsewhere one minor unit.
LEAST = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "mxn": 1000, "jpy": 50}
MOST = 99_999_999

# 2.9 % of every capture and a fixed part per currency, in minor units.
PER_MILLE = 29
FIXED = {"usd": 30, "eur": 25, "gbp": 20, "jpy": 40}


def currency(code: str, *, param: str = "currency") -> str:
    """The code in lower case; a 400 when no bank here knows it."""
    lower = code.lower()
    if lower not in EXPONENTS:
        raise invalid(f"Invalid currency: {code}", param=param)
    return lower


def exponent(code: str) -> int:
    """How many of an amount's digits stand behind the decimal sign."""
    return EXPONENTS[code]


def chargeable(value: int, code: str) -> None:
    """Refuse an amount that a card could not carry, in minor units."""
    least = LEAST.get(code, 1)
    if value < least:
        raise invalid(
            f"Amount must be at least {words(least, code)}.",
            param="amount",
            code="amount_too_small",
        )
    if value > MOST:
        raise invalid(
            f"Amount must be no more than {words(MOST, code)}.",
            param="amount",
            code="amount_too_large",
        )
    if exponent(code) == 3 and value % 10:
        raise invalid(f"Amounts in {code} must be rounded to the nearest ten.", param="amount")


def fee(value: int, code: str) -> int:
    """What the bank keeps of a capture, in minor units; half a unit is rounded up."""
    fixed = FIXED.get(code, 30 if exponent(code) else 0)
    return min(value, (value * PER_MILLE + 500) // 1000 + fixed)


def words(value: int, code: str) -> str:
    """An amount as Stripe writes it in its messages: $12.50, or CLP1,200."""
    places = exponent(code)
    whole, part = divmod(abs(value), 10**places)
    sign = "-" if value < 0 else ""
    decimals = f".{part:0{places}d}" if places else ""
    return f"{sign}{SIGNS.get(code, code.upper())}{whole:,}{decimals}"
