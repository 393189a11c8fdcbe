"""A board → text for people and for machines."""

FORMATS = {
    "text": "for people; a narrow terminal shows fewer columns",
    "markdown": "a table for a README or a comment",
    "csv": "one line per record, for spreadsheets; contains no formulas",
    "json": "one document (schemas/board.schema.json)",
    "html": "a folder of pages, with -o DIR",
}
