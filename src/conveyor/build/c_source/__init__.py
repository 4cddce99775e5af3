"""From a plan to portable C11.

functions  elementary functions as C
emit       the step as C
"""
