"""Kinds of pairs that have to be the same: queries, a database and its replica, file trees."""
