//! A programme: declarative rules, versioned, immutable once published.
