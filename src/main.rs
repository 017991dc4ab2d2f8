//! The program: see the library.

use std::io::{BufReader, IsTerminal as _, stderr, stdin, stdout};
use std::process::ExitCode;

use siths_idp::cli::{self, Surroundings};
use siths_idp::clock::Clock;
use siths_idp::random::Random;

#[tokio::main]
async fn main() -> ExitCode {
    // Named, because a second provider in the tree would make the automatic choice panic.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut typed = BufReader::new(stdin());
    let surroundings = Surroundings {
        clock: Clock::system(),
        random: Random::system(),
        environment: std::env::vars().collect(),
        input: if stdin().is_terminal() { Some(&mut typed) } else { None },
        out: &mut stdout(),
        err: &mut stderr(),
    };
    cli::run(std::env::args_os(), surroundings).await.code().into()
}
