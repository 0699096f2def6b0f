"""The graph of tables as text that draws itself."""

from __future__ import annotations

from stedi_glue.model.pipeline import Pipeline


def mermaid(pipeline: Pipeline) -> str:
    """Return the lineage as a Mermaid flowchart, each table in the colour of its zone."""
    lines = ["flowchart LR"]
    for table in pipeline.tables:
        shape = "[({})]" if table.zone == "landing" else "[{}]"
        lines.append(f"    {table.name}{shape.format(table.name)}:::{table.zone}")
    for table in pipeline.tables:
        lines += [f"    {source} --> {table.name}" for source in pipeline.sources(table.name)]
    lines += [
        "    classDef landing fill:#e8e8e8,stroke:#777,color:#222",
        "    classDef trusted fill:#d6e8ff,stroke:#3572b0,color:#123",
        "    classDef curated fill:#d9f2d9,stroke:#3a8a3a,color:#121",
    ]
    return "\n".join(lines) + "\n"
