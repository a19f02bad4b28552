"""The Linux jail: no network, a read-only system, nothing of the class in sight, limits on everything.

`bubblewrap` makes the jail that the worker and all submissions run in; `control_groups` limits all processes of a
submission together; `worker` starts the process that submissions are forked from, and talks with it; `probe` finds out
what this machine can do. `inner` is the other side, the code that runs inside: it keeps submissions apart from each
other, and runs their cells.
"""
