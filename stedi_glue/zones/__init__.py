"""The STEDI lake: each table's contract beside the class that makes it."""

from __future__ import annotations

from stedi_glue.model.pipeline import Pipeline
from stedi_glue.zones.curated import CustomersCurated, MachineLearningCurated, Pairing
from stedi_glue.zones.landing import ACCELEROMETER_LANDING, CUSTOMER_LANDING, STEP_TRAINER_LANDING
from stedi_glue.zones.trusted import (
    CUSTOMER_TRUSTED,
    AccelerometerTrusted,
    Consent,
    CustomerTrusted,
    StepTrainerTrusted,
    Versions,
)


def stedi(
    pairing: Pairing = "timestamp", consent: Consent = "current", versions: Versions = "latest"
) -> Pipeline:
    """Return the STEDI pipeline; the options are those of the transforms that carry them."""
    return Pipeline(
        landing=(CUSTOMER_LANDING, ACCELEROMETER_LANDING, STEP_TRAINER_LANDING),
        transforms=(
            CustomerTrusted(versions),
            AccelerometerTrusted(consent),
            CustomersCurated(),
            StepTrainerTrusted(),
            MachineLearningCurated(pairing),
        ),
        agreed=CUSTOMER_TRUSTED.name,
    )


# Defined on import, so that a mistake in the graph is found before any data is touched.
STEDI = stedi()
