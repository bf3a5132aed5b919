"""lokbot: one way into the city for the associations of Helsingborg.

The map, in the order that a message takes (docs/architecture.md follows one mail through it):

    channels/       the doors: mail in (imap, mime) and out (smtp), Telegram, web chat
    conversation/   what happens to a message: intake, reading, pipeline, decision, reply, escalation, outbox, delivery
    understanding/  what a text asks: language, questions, rules, matching, confidence
    knowledge/      the content: loading, checks, versions and approval
    store/          what is remembered: tables, queries, migrations
    service          the loops that run; content: the active knowledge; config: the settings
    cli/            the commands; demo/: the whole path on invented mails
"""

import os

# Before NumPy is loaded: matrices here are small, and several threads cost ten times the time on a machine at work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
