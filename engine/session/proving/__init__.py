"""What is verified and proved: hashes, bundles, keys, pins, witnesses."""
