"""What the steering group sees: one fact per question, and figures in which nobody can be found.

``deriving`` (pure) says what became of a question, ``facts`` keeps that in the same transaction as what caused it,
``cells`` counts facts as they change. ``suppression`` (pure) decides what of a closed month may be shown, ``closing``
stores it. ``figures`` is the one query function; ``pictures``, ``files`` and ``report`` only write down what it gives.
"""
