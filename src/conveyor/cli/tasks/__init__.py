"""The parts that the commands of several tasks share: choice by `--task`, views of runs, lists, `--dry-run`."""
