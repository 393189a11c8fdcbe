"""From a record to its verdict: one record or many, with the cache, the processes and the rulings."""
