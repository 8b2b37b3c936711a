from hypothesis import settings

settings.register_profile("evenhand", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("evenhand")
