"""One page of a file, for a browser without a network: `gradsim report`, `CurveSet.report` (docs/report.md)."""
