"""Jobs in processes of their own, which have neither the ledger nor the keys.

Outside, in the pool process: `boxed` performs, `box` has the process, `bubble` says how it is
started, `desk` gives it what it asks for, `hearsay` judges what it says. Inside: `inside` runs the
job, `line` is its end of the line, `remote` what it has instead of ledger and blobs. `frames` is
what goes over the line.
"""
