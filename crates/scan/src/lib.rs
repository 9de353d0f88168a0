//! Frame sources and the decoder pipeline
