"""The sandbox from inside: what is laid into the jail beside `sitting`, and imports nothing else of ours.

`zygote` is the process that submissions are forked from; `namespaces`, `system_calls` and `seccomp` set each one apart
and take its rights; `supervisor` watches over it; `cell_runner` runs its cells and sends on, in `frames`, what they
gave; `import_guard` says why the rest of the package is not there; `limits` is what it may use.
"""
