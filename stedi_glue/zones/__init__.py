"""The STEDI lake: each table's contract beside the class that makes it."""

from __future__ import annotations

from typing import get_args

from stedi_glue.errors import UsageError, suggest
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.zones.curated import (
    CustomersCurated,
    MachineLearningCurated,
    MachineLearningPseudonymous,
    Pairing,
    Privacy,
)
from stedi_glue.zones.landing import ACCELEROMETER_LANDING, CUSTOMER_LANDING, STEP_TRAINER_LANDING
from stedi_glue.zones.trusted import (
    AccelerometerTrusted,
    Consent,
    CustomerTrusted,
    StepTrainerTrusted,
    Versions,
)


def stedi(
    pairing: Pairing = "timestamp",
    consent: Consent = "current",
    versions: Versions = "latest",
    privacy: Privacy = "identified",
    key: bytes | None = None,
) -> Pipeline:
    """Return the STEDI pipeline; the options are those of the transforms that carry them.

    privacy: whether `machine_learning_curated` names people, or holds pseudonyms that are made
    with the secret `key`; without it, a pseudonymous table can be described but not made.
    """
    if privacy not in get_args(Privacy):
        raise UsageError(f"privacy cannot be '{privacy}'{suggest(privacy, get_args(Privacy))}")
    return Pipeline(
        landing=(CUSTOMER_LANDING, ACCELEROMETER_LANDING, STEP_TRAINER_LANDING),
        transforms=(
            CustomerTrusted(versions),
            AccelerometerTrusted(consent),
            CustomersCurated(),
            StepTrainerTrusted(),
            MachineLearningPseudonymous(pairing, key)
            if privacy == "pseudonymous"
            else MachineLearningCurated(pairing),
        ),
    )


# Defined on import, so that a mistake in the graph is found before any data is touched.
STEDI = stedi()
