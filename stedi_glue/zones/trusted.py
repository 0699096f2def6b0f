"""What may be used: rows of customers who agreed to research, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from pyspark.sql import Window
from pyspark.sql import functions as F

from stedi_glue.errors import UsageError, suggest
from stedi_glue.model.table import Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.zones.landing import ACCELEROMETER_LANDING, CUSTOMER_LANDING, STEP_TRAINER_LANDING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Consent = Literal["current", "as-of"]
Versions = Literal["latest", "all"]

CUSTOMER_TRUSTED = Table(
    name="customer_trusted",
    zone=Zone.TRUSTED,
    location="customer/trusted",
    doc="A registration of a customer who agreed to share data with research.",
    columns=CUSTOMER_LANDING.columns,
)

ACCELEROMETER_TRUSTED = Table(
    name="accelerometer_trusted",
    zone=Zone.TRUSTED,
    location="accelerometer/trusted",
    doc="A motion reading of a customer who agreed to share data with research.",
    columns=ACCELEROMETER_LANDING.columns,
)

STEP_TRAINER_TRUSTED = Table(
    name="step_trainer_trusted",
    zone=Zone.TRUSTED,
    location="step_trainer/trusted",
    doc="A distance reading of a step trainer that belongs to a curated customer.",
    columns=STEP_TRAINER_LANDING.columns,
)


# A later version of a registration has these as the one before.
REGISTRATION = ("email", "serialNumber", "registrationDate")


class CustomerTrusted(ZoneTransform, into=CUSTOMER_TRUSTED):
    """Keep customers who agreed to research.

    versions: "latest" keeps of each registration (`email`, `serialNumber`,
    `registrationDate`) only the version that was last updated, and judges consent on it: who
    revoked consent is out. "all" judges and keeps every version, and every repeated row.
    """

    def __init__(self, versions: Versions = "latest") -> None:
        if versions not in get_args(Versions):
            known = get_args(Versions)
            raise UsageError(f"versions cannot be '{versions}'{suggest(versions, known)}")
        self.versions = versions

    def build(self, customer_landing: DataFrame) -> DataFrame:
        """Select registrations with a consent date; older exports write 0 for 'never'."""
        customers = latest(customer_landing) if self.versions == "latest" else customer_landing
        return customers.where(F.col("shareWithResearchAsOfDate") > 0)


def latest(customers: DataFrame) -> DataFrame:
    """Keep one version of each registration: the last update, nulls being the oldest.

    Of versions updated at the same moment, the one that shares less with research is taken:
    no consent before consent, a later consent before an earlier one. What still differs is
    decided by the other columns, so that the same rows always give the same answer. Nulls of
    a registration count as equal.
    """
    consent = F.col("shareWithResearchAsOfDate")
    others = [F.col(name).asc_nulls_first() for name in customers.columns]
    order = Window.partitionBy(*REGISTRATION).orderBy(
        F.col("lastUpdateDate").desc_nulls_last(),
        F.coalesce(consent > 0, F.lit(False)),
        consent.desc_nulls_last(),
        *others,
    )
    ranked = customers.withColumn("_version", F.row_number().over(order))
    return ranked.where("_version = 1").drop("_version")


class AccelerometerTrusted(ZoneTransform, into=ACCELEROMETER_TRUSTED):
    """Keep app readings of customers who agreed to research.

    consent: "current" keeps every reading of a customer who agreed; "as-of" only
    readings taken at or after the moment of consent.
    """

    def __init__(self, consent: Consent = "current") -> None:
        if consent not in get_args(Consent):
            raise UsageError(f"consent cannot be '{consent}'{suggest(consent, get_args(Consent))}")
        self.consent = consent

    def build(self, accelerometer_landing: DataFrame, customer_trusted: DataFrame) -> DataFrame:
        """Select readings whose user is a trusted customer."""
        # Each customer once, so that a duplicate cannot multiply readings.
        consented = customer_trusted.groupBy(F.col("email").alias("user")).agg(
            F.min("shareWithResearchAsOfDate").alias("since")
        )
        # The few first: an engine without statistics holds that side of a join in memory, where
        # a semi-join of the readings would hold the readings.
        kept = consented.join(accelerometer_landing, on="user")
        if self.consent == "as-of":
            kept = kept.where("`timestamp` >= since")
        return kept.select(*accelerometer_landing.columns)


class StepTrainerTrusted(ZoneTransform, into=STEP_TRAINER_TRUSTED):
    """Keep step trainer readings of curated customers, by serial number."""

    def build(self, step_trainer_landing: DataFrame, customers_curated: DataFrame) -> DataFrame:
        """Select readings whose device belongs to a curated customer."""
        # Each device once: older exports repeat one serial number over many customers.
        devices = customers_curated.select("serialNumber").distinct()
        return devices.join(step_trainer_landing, on="serialNumber")
