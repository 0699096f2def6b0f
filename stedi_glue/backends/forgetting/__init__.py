"""People who are to be forgotten: found, erased everywhere, and never let in again.

person        who it is: what a lake holds of them, and what of it is theirs alone
suppression   the list of everybody forgotten, as keyed hashes
words         the values that a file's bytes may hold, whatever its format
raw_text      raw files without a person
sieve         what is read of raw files, without anybody on the list
remains       every file that still holds somebody
forgetting    one request, from finding to the receipt
"""
