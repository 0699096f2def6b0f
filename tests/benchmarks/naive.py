"""The five tables as a plain local Spark script makes them: no contract, audit or catalog.

As course projects do it: inferred schemas, inner joins, Parquet files written in place. Run as
`python -m tests.benchmarks.naive LANDING LAKE`.
"""

from __future__ import annotations

import json
import sys
import time

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col


def main(landing: str, lake: str) -> None:
    start = time.perf_counter()
    spark = (
        SparkSession.builder.appName("stedi")
        .master("local[*]")
        # As much memory as the product gives its Spark; all else is as Spark comes.
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )

    def raw(name: str) -> DataFrame:
        return spark.read.json(f"{landing}/{name}/landing")

    def write(frame: DataFrame, name: str) -> DataFrame:
        frame.write.mode("overwrite").parquet(f"{lake}/{name}")
        return spark.read.parquet(f"{lake}/{name}")

    customers = raw("customer").where("shareWithResearchAsOfDate != 0")
    customer_trusted = write(customers, "customer_trusted")

    readings = raw("accelerometer")
    readings = readings.join(customer_trusted, readings.user == customer_trusted.email, "inner")
    accelerometer_trusted = write(
        readings.select("user", "timestamp", "x", "y", "z"), "accelerometer_trusted"
    )

    carriers = customer_trusted.join(
        accelerometer_trusted, customer_trusted.email == accelerometer_trusted.user, "inner"
    )
    customers_curated = write(
        carriers.select(*customer_trusted.columns).dropDuplicates(), "customers_curated"
    )

    owners = customers_curated.select(col("serialNumber").alias("owned"))
    steps = raw("step_trainer")
    steps = steps.join(owners, steps.serialNumber == owners.owned, "inner").drop("owned")
    step_trainer_trusted = write(steps, "step_trainer_trusted")

    pairs = step_trainer_trusted.join(
        accelerometer_trusted,
        step_trainer_trusted.sensorReadingTime == accelerometer_trusted.timestamp,
        "inner",
    ).select("sensorReadingTime", "serialNumber", "distanceFromObject", "user", "x", "y", "z")
    write(pairs, "machine_learning_curated")
    seconds = time.perf_counter() - start

    spark.stop()
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
