"""Files into samples: WAV here, all else in a process of its own for each file.

What a stranger's file does to a library of C ends that process, and one job.
"""
