"""Multilayer perceptrons: forward, backward, minibatches and the ways for threads to share."""
