"""The pull requests of a repository, judged from git objects: nothing is checked out or executed."""
