"""Cards: what is known of how a result came about, small and readable for years.

`facts` makes one of what server and worker know, `filling` adds what only the owner's Python can
read, `redaction` takes out what opens doors. `bundle` and `crate` keep one with what is needed to
repeat it, `comparing` says whether a repetition came to the same.
"""
