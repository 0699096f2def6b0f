"""What arrives from outside: raw newline JSON, exactly as the devices and the website wrote it."""

from __future__ import annotations

from stedi_glue.model.table import Column, Table, Zone

CUSTOMER_LANDING = Table(
    name="customer_landing",
    zone=Zone.LANDING,
    location="customer/landing",
    doc="A customer's registration on the STEDI website, as exported.",
    columns=(
        Column("customerName", "string", "Full name.", personal=True),
        Column(
            "email",
            "string",
            "E-mail address; names the customer in the app.",
            personal=True,
            pseudonym="subject",
        ),
        Column("phone", "string", "Phone number, digits as typed.", personal=True),
        Column("birthDay", "string", "Date of birth, YYYY-MM-DD, as typed.", personal=True),
        Column(
            "serialNumber",
            "string",
            "Serial number of the customer's step trainer.",
            personal=True,
            pseudonym="device",
        ),
        Column("registrationDate", "bigint", "When the customer registered; epoch ms UTC."),
        Column("lastUpdateDate", "bigint", "When the registration last changed; epoch ms UTC."),
        Column(
            "shareWithResearchAsOfDate",
            "bigint",
            "Since when the customer shares data with research; epoch ms UTC. "
            "Null, absent or 0: the customer did not agree.",
        ),
        Column(
            "shareWithPublicAsOfDate",
            "bigint",
            "Since when the customer shares data with the public; epoch ms UTC. Null or 0: never.",
        ),
        Column(
            "shareWithFriendsAsOfDate",
            "bigint",
            "Since when the customer shares data with friends; epoch ms UTC. Null or 0: never.",
        ),
    ),
)

ACCELEROMETER_LANDING = Table(
    name="accelerometer_landing",
    zone=Zone.LANDING,
    location="accelerometer/landing",
    doc="One motion reading of the mobile app. User and timestamp are not a key.",
    columns=(
        Column(
            "user",
            "string",
            "E-mail address of the customer who carried it.",
            personal=True,
            pseudonym="subject",
        ),
        Column(
            "timestamp",
            "bigint",
            "When the phone took the reading; epoch ms UTC.",
            aliases=("timeStamp",),
        ),
        Column("x", "double", "Acceleration along x, in units of the phone's sensor."),
        Column("y", "double", "Acceleration along y, in units of the phone's sensor."),
        Column("z", "double", "Acceleration along z, in units of the phone's sensor."),
    ),
)

STEP_TRAINER_LANDING = Table(
    name="step_trainer_landing",
    zone=Zone.LANDING,
    location="step_trainer/landing",
    doc="One distance reading of a step trainer's motion sensor.",
    columns=(
        Column("sensorReadingTime", "bigint", "When the sensor took the reading; epoch ms UTC."),
        Column(
            "serialNumber",
            "string",
            "Serial number of the step trainer.",
            personal=True,
            pseudonym="device",
        ),
        Column("distanceFromObject", "int", "Distance to the nearest object, in the sensor's cm."),
    ),
)
