"""What lokbot remembers: tables, sessions, the gate to conversations, migrations."""
