"""Verdicts → text for people and for machines: each format is one module with one pure function, `render`."""

FORMATS = {
    "text": "for a person: numbers, limits and margins, findings with their remedy, the verdict",
    "concise": "one line per finding: path:line: severity[rule] message",
    "json": "one document (schemas/verdict.schema.json)",
    "jsonl": "one verdict per line (the same schema's $defs/verdict)",
    "github": "annotations of GitHub Actions, 10 at most",
    "markdown": "for a pull request's comment or a step summary",
    "junit": "JUnit XML: one suite per record, one case per rule",
    "sarif": "SARIF 2.1.0, for code scanning",
}
