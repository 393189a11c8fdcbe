"""A board → text for people and for machines."""

FORMATS = {
    "text": "for a person: columns fall away where the terminal is narrow",
    "markdown": "a table for a README or a comment",
    "csv": "a line per record, for a spreadsheet; nothing in it is a formula",
    "json": "one document (schemas/board.schema.json)",
    "html": "a folder of pages, with -o DIR",
}
