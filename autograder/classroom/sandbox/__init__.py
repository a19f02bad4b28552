"""Runs submissions behind walls: no network, a read-only system, nothing of the class in sight, limits on everything.

`walls` are the outer ones, bubblewrap's; `cgroups` limits all processes of a submission together; `worker` is the
process that submissions are forked from, and how to talk with it; `ladder` finds out what this machine can do. The
inner walls, which keep submissions apart from each other, are part of the sitting: `autograder.sitting.rooms`.
"""
