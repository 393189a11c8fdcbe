"""A submission's code in a sandbox, and the wire that asks it questions. Nothing that comes back is trusted.

limits    what a box may use
launch    the sandbox: the arguments of bubblewrap
seccomp   the system calls that a box may make
process   the process in the box: its output, its memory, its end
serve     what runs inside: it loads predictor.py and answers frames, whose format it defines
kernel    the compiled attention, inside and outside of a box
client    the judge's end of the wire: it asks, and checks the answers
"""
