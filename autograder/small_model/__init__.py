"""The small trained model: captions and pictures, networks, training, weights, sampling, judge.

It knows nothing of learners' blocks: `drawing` puts them into it.
"""
