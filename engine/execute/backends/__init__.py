"""The relational engines that plans run on, each behind one module."""
