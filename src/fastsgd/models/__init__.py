"""Families of models, whole but for what scikit-learn wants of an estimator."""
