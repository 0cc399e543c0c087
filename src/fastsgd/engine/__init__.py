"""Training: epochs, threads, workers, stopping; no scikit-learn."""
