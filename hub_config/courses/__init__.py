"""Courses of a site: published by the operator's command, graded in a session of an account of their own."""
