"""The terminal: printing in any encoding, progress, tables, interruptions, and commands that run as printed.

printing       the one place of output; characters that an encoding lacks, closed pipes, full disks
display        lines that are drawn anew
progress meter how far a run is, and how long it will take
output         folders of results: free, claimed, overwritten only by --force
interrupt      Ctrl-C and SIGTERM: save, then end
shell          words and commands quoted for a shell
convert_table  the table of what an import or export carried over
"""
