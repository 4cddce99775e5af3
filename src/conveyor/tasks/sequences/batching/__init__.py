"""From sequences to batches: time `gaps`, `scaling`, `features` of each step, `batches` of like length."""
