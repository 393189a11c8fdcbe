"""The pull requests of a repository, judged from git objects: nothing is checked out and nothing of it is run."""
