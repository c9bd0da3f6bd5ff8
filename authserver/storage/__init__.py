"""The database: the only code that knows SQL. `store.Store` is the way in."""
