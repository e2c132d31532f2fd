"""All payment years, each read from its file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from careloom.core.errors import Stop
from careloom.risk import payment_years
from careloom.risk.payment_years.published_year import PaymentYear


def _read_years() -> dict[int, PaymentYear]:
    """Every `PAYMENT_YEAR` of this folder's files `y….py`, the earliest one first.

    Raises:
        Stop: a file has another year than its name.

    """
    files = sorted(module.name for module in iter_modules(payment_years.__path__) if module.name[1:].isdigit())
    years: dict[int, PaymentYear] = {}
    for file in files:
        payment_year: PaymentYear = import_module(f"{payment_years.__name__}.{file}").PAYMENT_YEAR
        if file != f"y{payment_year.year}":
            raise Stop(f"risk/payment_years/{file}.py is of {payment_year.year}; name it y{payment_year.year}.py")
        years[payment_year.year] = payment_year
    return years


PAYMENT_YEARS: Mapping[int, PaymentYear] = _read_years()
