"""The tables of the file, one module for each kind, as pydantic models: what may stand where"""
