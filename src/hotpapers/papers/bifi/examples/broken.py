"""Counts the words of a file, as a beginner might have left it."""

import sys


def count_words(path)
    words = {}
    for line in open(path):
        for word in line.split():
            # every word counts, whatever its case
            words[word.lower()] = words.get(word.lower(), 0 + 1
    return words


if __name__ == "__main__":
    print "words in", sys.argv[1]
    counts = count_words(sys.argv[1])
    for word in sorted(counts, key=counts.get, reverse=True)[:10]:
        print(word,   counts[word])   # the ten commonest
