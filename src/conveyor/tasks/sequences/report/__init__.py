"""A page on a model of sequences: `explain` says what decided, `figures` draw it, `page` is the page."""
