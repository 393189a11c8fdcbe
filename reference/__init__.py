"""The reference trainer of Parameter Golf: a folder to run, or to copy and edit. Start with `train.py`."""
