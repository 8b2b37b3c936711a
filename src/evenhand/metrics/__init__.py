"""Statistics of groups and of logs; `action_fairness` needs numpy alone and stands here itself."""

from evenhand.metrics.notions import ActionFairness, action_fairness, action_fairness_everywhere

__all__ = ["ActionFairness", "action_fairness", "action_fairness_everywhere"]
