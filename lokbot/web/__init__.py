"""The web: the desk where coordinators work, what others with a role read, and the public pages.

    pages.PAGES (one table: address, who may, what it does) -> app (one gate) -> a page's function -> templates

It knows neither SMTP nor IMAP nor matching: what people do here are the acts of ``conversation.escalation``.
"""
