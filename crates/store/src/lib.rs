//! The terminal's SQLite: journal, member state, outbox, settings
