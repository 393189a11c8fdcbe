"""Downloading, tokenizing and writing token shards."""
