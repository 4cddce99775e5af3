"""The language model on text: corpus, vocabulary, streams, model, training run, evaluation, sampling."""
