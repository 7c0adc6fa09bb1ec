"""What must hold of every history, one module an invariant; `checker.check` asks them all."""
