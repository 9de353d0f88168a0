//! The words and the rules: money, sales, members, programmes, the ledger. Pure.
