"""The small trained model of scenes: language and pictures, networks, training, weights, sampling, judge.

It knows nothing of learners' blocks: `drawing` puts them into it.
"""
