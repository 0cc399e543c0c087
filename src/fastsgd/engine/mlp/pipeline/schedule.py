"""The order in which a stage works on micro-batches, and how long it then waits."""

from typing import NamedTuple


class Task(NamedTuple):
    """One micro-batch forward or backward through the layers of a stage."""

    forward: bool
    micro_batch: int

    def __str__(self):
        return f"{'F' if self.forward else 'B'}{self.micro_batch}"


def gpipe(n_micro_batches):
    """The tasks of a minibatch, which are the same for every stage: all forward, then all back.

    Huang et al.: GPipe, 2019, fig. 2c. The last to go forward is the first to come back.

    Returns
    -------
    list of Task
    """
    n = n_micro_batches
    return [Task(True, i) for i in range(n)] + [Task(False, i) for i in reversed(range(n))]


def timeline(n_stages, n_micro_batches):
    """Tasks of each stage by slot, where every task takes one and begins when it can.

    A micro-batch needs the stage below to have sent it forward, the stage above to have sent it
    back.

    Returns
    -------
    list of list of (Task or None)
        By stage and slot; None is an idle slot.
    """
    waiting = [gpipe(n_micro_batches) for _ in range(n_stages)]
    slots, done = [[] for _ in waiting], set()

    def can_begin(stage, task):
        source = stage - 1 if task.forward else stage + 1
        return not 0 <= source < n_stages or (source, task) in done

    while any(waiting):
        now = [tasks[0] if tasks and can_begin(stage, tasks[0]) else None
               for stage, tasks in enumerate(waiting)]
        for stage, task in enumerate(now):
            slots[stage].append(task)
            if task is not None:
                waiting[stage].pop(0)
                done.add((stage, task))
    return slots


def bubble(n_stages, n_micro_batches):
    """The share of the slots in which a stage is idle, counted: (k - 1) / (m + k - 1)."""
    slots = [task for stage in timeline(n_stages, n_micro_batches) for task in stage]
    return slots.count(None) / len(slots)


def draw(n_stages, n_micro_batches):
    """The timeline as text, a line for each stage."""
    return "\n".join(
        f"stage {stage}  " + " ".join(f"{'.' if task is None else task!s:<3}" for task in tasks)
        .rstrip() for stage, tasks in enumerate(timeline(n_stages, n_micro_batches)))
