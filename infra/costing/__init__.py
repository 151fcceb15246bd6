"""The instrument behind ``make cost``: what calls would cost on AWS, counted.

``replay`` makes the calls on the laptop cloud, ``meter`` and its parts count what AWS
bills for, ``prices`` and ``floor`` say what it costs, ``report`` prints it.

May import the wiring, the laptop stack and the product; never aws_cdk.
"""
