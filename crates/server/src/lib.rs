//! The central server: ingest, feed, snapshot
