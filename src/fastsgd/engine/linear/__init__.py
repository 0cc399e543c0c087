"""The training of linear models: one file a method."""
