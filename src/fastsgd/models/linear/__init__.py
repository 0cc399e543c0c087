"""The linear classifier and regressor."""
