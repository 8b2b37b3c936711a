"""Credit card clients in Taiwan, April to September 2005: six months of records per client."""

from importlib import resources

import polars as pl

OUTCOME, GROUP = "defaulted", "sex"
# Oldest month first; 6 is April and 1 is September 2005.
MONTHS = (6, 5, 4, 3, 2, 1)
STATUS_COLUMNS = tuple(f"repayment_status_{month}" for month in MONTHS)
LAGGED = (
    tuple(f"bill_amount_{month}" for month in MONTHS),
    tuple(f"payment_amount_{month}" for month in MONTHS),
)
SOURCE = "Default of Credit Card Clients (Taiwan 2005; Yeh & Lien 2009; UCI 350, CC BY 4.0)"


def load_taiwan() -> pl.DataFrame:
    """30,000 clients of a bank in Taiwan, one a row, 24 columns.

    Source: I-Cheng Yeh, Default of Credit Card Clients, UCI Machine Learning Repository 350,
    licence CC BY 4.0. Every client held a card: nobody in the table was denied credit.

    - `limit_balance`: credit given, in New Taiwan dollars; `sex`; `age` in years;
      `education` (1 graduate school, 2 university, 3 high school, others unexplained);
      `marriage` (1 married, 2 single, 3 other, 0 unexplained).
    - `repayment_status_k` for k = 6 (April) to 1 (September): -2 nothing to pay, -1 paid in full,
      0 minimum paid, k >= 1 months of delay. The value 1 hardly occurs before September, a
      peculiarity of the table, so the step into September shows more, and milder, delays.
    - `bill_amount_k`, `payment_amount_k`: bill and payment of the same months, in NT dollars.
    - `defaulted`: 1 if the payment of October was not made (24.2% of men, 20.8% of women).
    """
    file = resources.files("evenhand.data.tables") / "taiwan_credit_card.parquet"
    with file.open("rb") as stream:
        return pl.read_parquet(stream)
