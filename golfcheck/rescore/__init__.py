"""Evaluate artifacts again: the claim and its settings, the measured score, and the verdict.

report    the result of one rescoring as plain data, for every output format
target    a file or a record folder → artifacts, each with its claim and its log
shape     the model from the names and shapes of its tensors
numerics  settings that the tensors do not show: from flags, the artifact, the log, or the contest's defaults
inputs    the tokenizer and the validation shards
sequence  a confidence sequence: an interval for the mean of all sequences, valid at every look
ngram     a small n-gram model's loss on each sequence, as a covariate
control   other artifacts' losses on the same sequences, from their reports
sound     checks of the values in an artifact
prepare   everything that needs no torch; refuses what cannot be scored
weights   arrays → a state dict and its model's configuration
measure   the evaluation: a model and tokens → every sequence's loss → the score
attention compiled attention for CPUs that have bf16, where there is a C compiler
activations  other activation functions that a model's MLP may have been trained with
fit       the activation function that fits a model best
probes    properties of every language model, tested on the loaded one
workers   one process per core
devices   torchrun's ranks, and the names of devices
early     sequences in a random order, until the estimate is precise enough
shipped   whether a record's own model is the one evaluated here
normalform  source → definitions in normal form: equal text for equal computation
simplify  a function without the code that does not affect its result
versions  digests of the reference's past versions
contest   digests of the definitions of the contest's own script
judge     compares the claimed and the measured score
run       a whole rescoring with the reference's model
messages  bounds the length of every message
submitted a folder with a predictor.py → its seeds, each with the files that are copied into a box
boxes     one box for each worker, borrowed for a call, closed together
boxed     evaluation through boxes: the submission's predictor.py answers, the judge scores
twin      asks a second box with changed ends of sequences, to detect looking ahead
predicted a whole rescoring with the submission's predictor.py
"""
