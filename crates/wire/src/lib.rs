//! Events, cards and messages as bytes
