"""Counts the words of a file."""


def count_words(path):
    words = {}
    for line in open(path):
        for word in line.split():
            words[word.lower()] = words.get(word.lower(), 0) + 1
    return words
