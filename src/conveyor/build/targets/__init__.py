"""The targets that networks are built for.

table       targets by name: triple, processor, features, lanes; near matches for a wrong name
processors  the processors that LLVM knows of each architecture
host        this machine's processor
"""
