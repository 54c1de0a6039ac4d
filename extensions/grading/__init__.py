"""What a grader does with a course: student code runs here, on the cluster, in a sandbox."""
