"""What measures of the causes of people's gains mean, and whom a bad value harms."""

# Measure -> title, unit, meaning, harm; after Lear & Zhang 2025.
EFFECTS: dict[str, tuple[str, str, str, str]] = {
    "gain_per_person": (
        "Gain per person",
        "gain",
        "Expected change of a person's qualification over the episode, given what was decided: "
        "the sum of the direct, indirect and spurious effects. Its difference between the first "
        "and the second group is the qualification gain disparity per person.",
        "The group with the lower value is lifted less, or falls more.",
    ),
    "direct_effect": (
        "Direct effect",
        "gain",
        "The part of a person's gain that approvals bring at once: the benefit of an approval at "
        "the person's level, summed over the approvals. Zero if everybody is denied.",
        "The group with the lower value gets less out of its loans, because it is approved less "
        "often or where approvals help less.",
    ),
    "indirect_effect": (
        "Indirect effect",
        "gain",
        "The part that comes from where earlier decisions have put people: what they gain there "
        "when denied, less what they would have gained had they always been denied.",
        "A group with a negative value was moved to levels at which its circumstances hold it "
        "down.",
    ),
    "spurious_effect": (
        "Spurious effect",
        "gain",
        "The part that no decision moves: what people gain when always denied, by drift alone. It "
        "is computed exactly, and is the same under every method.",
        "The group with the lower value loses, or gains less, before anybody has decided anything.",
    ),
    "direct_effect_per_visit": (
        "Direct effect per decision",
        "gain",
        "The direct effect divided by decisions instead of persons: the mean benefit that a "
        "decision brought.",
        "As for the direct effect.",
    ),
    "benefit_disparity": (
        "Benefit disparity",
        "share",
        "How differently the groups are approved where an approval brings them exactly the same "
        "benefit, over all pairs of levels that were decided about. Chance differences of rates "
        "count too, so it is above zero for a policy that ignores the group.",
        "Members of one group are refused where members of the other, who would gain as much, are "
        "approved.",
    ),
    "benefit_disparity_0.02": (
        "Benefit disparity, within 0.02",
        "share",
        "The same, benefits within about 0.02 counting as equal; read it where drift differs by "
        "group, for benefits are then never exactly equal.",
        "As for the benefit disparity.",
    ),
    "qualification_gain_noise_floor": (
        "Gain gap by chance",
        "gain",
        "The mean absolute difference of the groups' gains that chance alone makes over one "
        "episode, where the expected difference is zero; from its spread over episodes.",
        "None: a gain gap near it is no evidence that either group is harmed.",
    ),
}
