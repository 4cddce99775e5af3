"""What the commands of several tasks share: their choice by `--task`, how runs are told, lists, `--dry-run`."""
