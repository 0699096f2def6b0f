"""scikit-learn learns from a table that names nobody, and is tried on people it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.cli import main
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.zones import STEDI
from tests.notebooks.conftest import cells_with

FEATURES = ["x", "y", "z", "distanceFromObject"]


@pytest.mark.slow
@pytest.mark.usefixtures("notebook_extra")
def test_it_learns_from_some_people_and_is_tried_on_others(demo: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    with Lakehouse.open(demo) as lake:
        pairs = lake.table("machine_learning_curated").toPandas()
    personal = STEDI.table("machine_learning_curated").personal_columns
    assert not set(pairs.columns) & {*personal, *STEDI.table("customer_trusted").personal_columns}
    # Whether two sensors belong together is what the table knows of every row.
    target, people = pairs["sameCustomer"], pairs["subject"]
    assert people.nunique() > 50
    tried: set[str] = set()
    for train, test in GroupKFold(n_splits=5).split(pairs, target, groups=people):
        seen, unseen = set(people.iloc[train]), set(people.iloc[test])
        assert not seen & unseen
        tried |= unseen
        model = RandomForestClassifier(10, random_state=0)
        model.fit(pairs[FEATURES].iloc[train], target.iloc[train])
        # The data is invented, so no more is asked than that it works and knows both answers.
        assert len(model.predict(pairs[FEATURES].iloc[test])) == len(test)
        assert set(model.classes_) == {False, True}
    assert tried == set(people)


@pytest.mark.slow
def test_what_the_notebook_learns_from_does_not_depend_on_pseudonyms(
    notebook: Any, demo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "lake"
    assert main(["demo", str(other)]) == 0
    [cell] = cells_with(notebook, "toPandas()")
    learned = []
    for path in (demo, other):
        with Lakehouse.open(path) as lake:
            names: dict[str, Any] = {"lake": lake, "CUSTOMER": "subject"}
            known = lake.table("machine_learning_curated").select("subject").distinct().collect()
            exec(cell.source, names)
        learned.append((names["pairs"], {row.subject for row in known}))
    (pairs, people), (others, strangers) = learned
    assert not people & strangers
    assert len(pairs) > 8000
    assert pairs.equals(others)
