"""Who may come in, and as whom: the gate, tokens, JupyterHub's users, rates."""
