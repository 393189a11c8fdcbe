"""Foreign code in a sandbox, asked over a wire: a submission's predictor.py, and nothing of it is trusted.

limits    what a box may take
launch    the sandbox: bubblewrap's command line, and whether it works here
seccomp   which system calls it has
process   the process in it: its output, its memory, its end
serve     what runs inside: loads predictor.py and answers frames; the frames are defined here
client    the judge's end of the wire: questions asked, answers checked
"""
