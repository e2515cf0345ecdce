"""The checks of ``acts.checking``, one file for each kind of trouble; each is a function from Looked to findings."""
