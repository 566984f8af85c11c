"""Tables of bad inputs, with the full sentence that a user sees; NAME is the estimator."""
