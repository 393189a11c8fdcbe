"""The board: ranked rows, and the query grammar that filters and sorts them."""
