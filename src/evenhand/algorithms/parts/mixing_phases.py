"""Which mixing time a learner assumes when: a given one, or doubled in phases that grow.

Jabbari et al. (2017), appendix A.4: with an unknown T* run with T = 1, 2, 3, ... in turn, long
enough at the end to outweigh the beginning. Here T doubles, and what was learned is kept.
"""

from dataclasses import dataclass

from evenhand.core.errors import InputError

DOUBLING = "doubling"


@dataclass(frozen=True)
class MixingPhases:
    """`mixing_time` is a number of steps or "doubling": 2^i for `phase_steps` growth^i steps.

    A guess above `largest` is not made: the last phase then goes on for ever.
    """

    mixing_time: int | str
    phase_steps: int = 256
    growth: int = 4
    largest: int = 256

    def __post_init__(self) -> None:
        given = self.mixing_time
        if given != DOUBLING and (isinstance(given, str) or given < 1):
            raise InputError(f"mixing_time must be 'doubling' or 1 or more steps, got {given!r}")
        if min(self.phase_steps, self.growth, self.largest) < 1:
            raise InputError(
                f"phase_steps, phase_growth and largest mixing time must be 1 or more, got "
                f"{self.phase_steps}, {self.growth} and {self.largest}"
            )

    def at(self, step: int) -> int:
        """The mixing time assumed in this step."""
        if not isinstance(self.mixing_time, str):
            return self.mixing_time
        return 2 ** self._phase(step)[0]

    def end(self, step: int) -> int:
        """The first step of the phase after that of this step; -1 if there is none."""
        if not isinstance(self.mixing_time, str):
            return -1
        return self._phase(step)[1]

    def _phase(self, step: int) -> tuple[int, int]:
        index, end = 0, self.phase_steps
        while end <= step:
            index += 1
            end += self.phase_steps * self.growth**index
            if 2**index >= self.largest:
                return index, -1
        return index, end
