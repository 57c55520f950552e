"""Telling people what happened: on the page, by mail, once a day, in their calendar."""
