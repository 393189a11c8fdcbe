"""Training logs of all dialects → the same facts, each with its line number."""

from golfcheck.trainlog.choose import ChosenScore, choose_score
from golfcheck.trainlog.events import LoggedRun, TrainLog
from golfcheck.trainlog.read import read
from golfcheck.trainlog.to_json import to_json

__all__ = ["ChosenScore", "LoggedRun", "TrainLog", "choose_score", "read", "to_json"]
