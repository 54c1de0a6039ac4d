"""Courses as data: a folder with course.toml and notebooks as text, checked, built and published.

What people do with a published course is the exchange's (extensions.exchange); grading is extensions.grading.
"""
