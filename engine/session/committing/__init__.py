"""How a workspace becomes a commit: conflicts, merged rows, names made final, branches merged."""
