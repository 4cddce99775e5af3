"""Text as numbers, in the order in which it passes.

reading        files as text
corpus         texts that are shipped, each with its notice
locate         where a run's text is now
words          text split at Unicode's word boundaries
earlier_words  the split of runs of earlier versions
vocabulary     tokens and their numbers
dataset        training, validation and test parts
streams        contiguous streams of a batch
start          words that a sample begins with
"""
