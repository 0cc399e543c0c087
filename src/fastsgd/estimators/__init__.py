"""The estimators: parameters, checks and attributes as scikit-learn has them."""
