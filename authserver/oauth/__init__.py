"""The protocol: values and rules, pure. No Flask, no SQL, no network, no clock."""
