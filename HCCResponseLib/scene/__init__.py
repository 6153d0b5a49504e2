"""Nodes in, nodes out: the only floor that knows both MRML and the floors below. Never imports qt or ctk."""
