"""The one-machine stack: real servers, set up, supervised and stopped as one."""
