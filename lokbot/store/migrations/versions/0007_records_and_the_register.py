"""record classes, erasure, the register of associations and the audit log

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _conversations()
    _register()
    _audit_log()
    _tombstones()
    _forget_what_events_should_not_hold()


def _conversations() -> None:
    classes = sa.Enum(
        "not_assessed", "minor", "register", "possible_secrecy", name="recordclass", native_enum=False, length=32
    )
    with op.batch_alter_table("conversations") as batch_op:
        batch_op.add_column(sa.Column("record_class", classes, nullable=False, server_default="not_assessed"))
        batch_op.add_column(sa.Column("diary_number", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))


def _register() -> None:
    with op.batch_alter_table("associations") as batch_op:
        batch_op.add_column(sa.Column("aliases", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("domain", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("notes", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("created_by", sa.String(length=200), nullable=True))
        batch_op.create_index(batch_op.f("ix_associations_domain"), ["domain"], unique=False)
    with op.batch_alter_table("contacts") as batch_op:
        batch_op.create_index(batch_op.f("ix_contacts_association_id"), ["association_id"], unique=False)
    op.create_table(
        "association_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("association_id", sa.Integer(), nullable=False),
        sa.Column("linked_by", sa.String(length=200), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unlinked_by", sa.String(length=200), nullable=True),
        sa.Column("unlinked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["association_id"], ["associations.id"], name=op.f("fk_association_links_association_id_associations")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_association_links_contact_id_contacts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_association_links")),
    )
    with op.batch_alter_table("association_links") as batch_op:
        batch_op.create_index(batch_op.f("ix_association_links_association_id"), ["association_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_association_links_contact_id"), ["contact_id"], unique=False)


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("association_id", sa.Integer(), nullable=True),
        sa.Column("article", sa.String(length=100), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["association_id"], ["associations.id"], name=op.f("fk_audit_log_association_id_associations")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_audit_log_contact_id_contacts")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_audit_log_conversation_id_conversations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log") as batch_op:
        batch_op.create_index("ix_audit_log_act_id", ["act", "id"], unique=False)
        batch_op.create_index("ix_audit_log_actor_id", ["actor", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_conversation_id"), ["conversation_id"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
            """
        )
        op.execute(
            """
            CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
            FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()
            """
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"""
            CREATE TRIGGER audit_log_no_{act.lower()} BEFORE {act} ON audit_log
            BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
            """
        )


def _tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_tombstones_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_tombstones_message_id_messages")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
    )
    with op.batch_alter_table("tombstones") as batch_op:
        batch_op.create_index(batch_op.f("ix_tombstones_conversation_id"), ["conversation_id"], unique=False)


def _forget_what_events_should_not_hold() -> None:
    """``received`` used to keep the message's id, which the asker's mail program made. Events can never be erased."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE events DISABLE TRIGGER events_append_only")
        op.execute(
            "UPDATE events SET detail = (detail::jsonb - 'external_id')::json "
            "WHERE verb = 'received' AND detail::jsonb ? 'external_id'"
        )
        op.execute("ALTER TABLE events ENABLE TRIGGER events_append_only")
        return
    op.execute("DROP TRIGGER events_no_update")
    op.execute("UPDATE events SET detail = json_remove(detail, '$.external_id') WHERE verb = 'received'")
    op.execute(
        """
        CREATE TRIGGER events_no_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """
    )
