"""The commands: one module each, with HELP, `configure(parser)` and `run(args)`, imported when it is called for."""

GROUPS = {
    "Judge": {
        "verify": "judge record folders: every finding with its line, its numbers and its remedy",
        "queue": "judge every pull request of a repository, and sort them by what a maintainer must do",
        "rescore": "evaluate an artifact again and compare its val_bpb with the claim",
        "diff": "how two records differ: scores, size, settings in the logs, findings, unwrapped code",
        "tui": "browse records by val_bpb, compare them, and watch a run while it trains",
        "leaderboard": "rank records: gain and p over the record of their day, and who held it when",
        "stats": "is a gain more than luck: tests in bpb and nats per token, both rulesets, seeds still needed",
        "explain": "what a rule checks, why, and how to fix it; alone: all rules",
    },
    "Make a record": {
        "demo": "the whole way in two minutes: data, three tiny seeds, a record, verify, rescore, the board",
        "data": "get, make and check tokenizers and token shards",
        "new": "make a submission folder from training logs, or hand out the trainer to edit",
        "pack": "pack a script into a small self-extracting one, proven to be the same program",
        "unpack": "print the source inside of a self-extracting script, without running it",
    },
    "Set up": {
        "doctor": "what is installed, what is missing, and the command that installs it",
        "completion": "print a completion script for bash, zsh, fish or tcsh",
    },
}
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}
