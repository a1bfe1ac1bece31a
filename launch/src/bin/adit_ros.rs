//! The `adit` command built with the `ros` feature: `adit` starts it for everything that needs ROS 2.

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::cli::main()
}
