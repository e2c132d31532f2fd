"""The models that CMS pays by, the profiles of people that they tell apart, and the rules that our two modes differ in."""
