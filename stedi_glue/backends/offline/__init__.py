"""Great Expectations' own pages, whole without a network.

Stock pages load some fifteen files from elsewhere, and their index is drawn by scripts among
them. These templates stand in for the ones that do; content and wording stay the library's.
"""
