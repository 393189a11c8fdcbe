"""The commands: one module each, with HELP, `configure(parser)` and `run(args)`, imported only when it is needed."""

GROUPS = {
    "Judge": {
        "verify": "judge record folders: each finding with its line and its fix",
        "queue": "judge every pull request of a repository, and sort them",
        "rescore": "evaluate an artifact again and compare its val_bpb with the claim",
        "diff": "compare two records: scores, sizes, settings, findings, code",
        "tui": "browse records, compare them, and watch runs while they train",
        "leaderboard": "rank records by score, each with its gain over the earlier best",
        "stats": "test whether a gain is more than luck, and how many seeds show it",
        "explain": "say what a rule checks, why, and how to fix it, or list all rules",
    },
    "Make a record": {
        "demo": "run the whole workflow in two minutes: data to ranked record",
        "data": "download, make and check tokenizers and token shards",
        "new": "make a submission folder from training logs",
        "pack": "pack a script into a small self-extracting one, and verify it",
        "unpack": "print the source inside a packed script, without running it",
    },
    "Set up": {
        "doctor": "list what is installed, what is missing, and how to install it",
        "completion": "print a completion script for bash, zsh, fish or tcsh",
    },
}
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}
