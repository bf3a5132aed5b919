"""How often the bot is right: golden questions asked one by one, graded, counted with their uncertainty. Pure.

splits      which questions are learnt from, looked at, kept for the end
grading     one question asked and graded
counting    shares and their intervals, calibration, precision and coverage
figures     all figures of a run            baselines   what simpler matching would have done
floors      how good it must stay           runs        the log of looks at the test split
text, page, plots                           the figures in a terminal, as an HTML page, as SVG
"""
