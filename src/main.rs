//! The `stempel` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    stempel::cli::main()
}
