"""The studio: a page on this machine on which one edits a face's attributes and sees what comes of it."""
