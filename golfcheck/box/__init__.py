"""Run a submission's code in a sandbox and send it requests. Its answers are not trusted.

boxlimits  the resource limits of a box
launch     the sandbox: bubblewrap's arguments
seccomp    the system calls that a box may make
process    the process in the box: its output, its memory, its end
serve      runs inside the box: loads predictor.py and answers frames, whose format it defines
kernel     the compiled attention, used inside and outside a box
client     the judge's side: sends requests and checks the answers
"""
