//! The `adit` command. Everything it does lives in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::cli::main()
}
