"""What the course uses of other libraries that they do not promise to keep, or that names a Keras backend: a file each.

All other code is `keras` and `keras.ops`. Nothing here imports a backend that is not in use. Where a new version of a
library has moved something, `tests/adapters` fails first, and says which version it was.
"""
