"""What data scientists train on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from pyspark.sql import functions as F

from stedi_glue.errors import UsageError, suggest
from stedi_glue.model.pseudonyms import Pseudonyms, no_key
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.zones.landing import STEP_TRAINER_LANDING
from stedi_glue.zones.trusted import ACCELEROMETER_TRUSTED, CUSTOMER_TRUSTED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Pairing = Literal["timestamp", "customer"]

CUSTOMERS_CURATED = Table(
    name="customers_curated",
    zone=Zone.CURATED,
    location="customer/curated",
    doc="A distinct registration of an agreeing customer who has accelerometer readings.",
    columns=CUSTOMER_TRUSTED.columns,
)

MACHINE_LEARNING_CURATED = Table(
    name="machine_learning_curated",
    zone=Zone.CURATED,
    location="machine_learning/curated",
    doc="A step trainer reading beside an accelerometer reading of the same timestamp.",
    columns=(
        *STEP_TRAINER_LANDING.columns,
        *ACCELEROMETER_TRUSTED.pick(without=("timestamp",)),
        Column(
            "sameCustomer",
            "boolean",
            "Whether the step trainer belongs to the customer who carried the phone. "
            "False: two strangers read a sensor in the same millisecond.",
        ),
    ),
)


class CustomersCurated(ZoneTransform, into=CUSTOMERS_CURATED):
    """Keep each agreeing customer with accelerometer readings, once."""

    def build(self, customer_trusted: DataFrame, accelerometer_trusted: DataFrame) -> DataFrame:
        """Select distinct customers who are the user of a trusted reading."""
        users = accelerometer_trusted.select(F.col("user").alias("email"))
        return customer_trusted.join(users, on="email", how="left_semi").distinct()


class MachineLearningCurated(ZoneTransform, into=MACHINE_LEARNING_CURATED):
    """Pair step trainer and accelerometer readings of the same timestamp.

    pairing: "timestamp" pairs whatever was read in the same millisecond, as the
    specification says, and marks pairs of strangers in `sameCustomer`; "customer"
    keeps only pairs of one customer.
    """

    def __init__(self, pairing: Pairing = "timestamp") -> None:
        if pairing not in get_args(Pairing):
            raise UsageError(f"pairing cannot be '{pairing}'{suggest(pairing, get_args(Pairing))}")
        self.pairing = pairing

    def build(
        self,
        step_trainer_trusted: DataFrame,
        accelerometer_trusted: DataFrame,
        customers_curated: DataFrame,
    ) -> DataFrame:
        """Join on time, and look up whether device and phone have one owner."""
        readings = accelerometer_trusted.withColumnRenamed("timestamp", "sensorReadingTime")
        # Distinct: a customer listed twice must not double the pairs.
        owners = customers_curated.select(
            F.col("serialNumber"), F.col("email").alias("user"), F.lit(True).alias("owner")
        ).distinct()
        pairs = step_trainer_trusted.join(readings, on="sensorReadingTime", how="inner")
        # The few first: an engine without statistics holds that side of a join in memory.
        marked = owners.join(pairs, on=["serialNumber", "user"], how="right").withColumn(
            "sameCustomer", F.coalesce(F.col("owner"), F.lit(False))
        )
        return marked.where("sameCustomer") if self.pairing == "customer" else marked

    def pseudonymous(self, key: bytes | None) -> ZoneTransform:
        """Return what makes the same pairs and names nobody."""
        return MachineLearningPseudonymous(self, key)


class MachineLearningPseudonymous(ZoneTransform, into=MACHINE_LEARNING_CURATED.pseudonymous()):
    """Pair readings as `MachineLearningCurated` does, and name nobody.

    key: of the pseudonyms. Without one the table can be described but not made: UsageError.
    """

    def __init__(self, pairs: MachineLearningCurated, key: bytes | None = None) -> None:
        self._pairs = pairs
        self._key = key
        self.pairing = pairs.pairing
        self.privacy = self.table.form

    def build(
        self,
        step_trainer_trusted: DataFrame,
        accelerometer_trusted: DataFrame,
        customers_curated: DataFrame,
    ) -> DataFrame:
        """Pair the readings, and put pseudonyms beside what is personal; the contract drops it."""
        pairs = self._pairs.build(step_trainer_trusted, accelerometer_trusted, customers_curated)
        return self.seen(MACHINE_LEARNING_CURATED, pairs)

    def seen(self, source: Table, rows: DataFrame) -> DataFrame:
        """Add pseudonyms, so that rules can compare this table with those it is made from."""
        if self._key is None:
            raise no_key()
        return Pseudonyms(self._key).beside(source, rows)
