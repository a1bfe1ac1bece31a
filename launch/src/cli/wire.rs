//! `adit wire encode` and `adit wire decode`: frames of motor buses and messages of robots from JSON and to JSON, line by line.
//!
//! Input that cannot be used is named on standard error with its line, and the rest goes on; the exit code says so at
//! the end.

mod decode;
mod encode;
mod json_input;
mod lines;
mod messages;

use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use firmware_bridge::protocol::damiao::Model;

use super::exit::{BAD_INPUT, BadInput};
use crate::terminal::Stdout;
use crate::wire_tools::{Codec, WireProtocol};
use lines::Lines;

/// Longest line of JSON, bytes.
const MAX_LINE: u64 = 1 << 24;
/// A longer line of digits is taken in pieces, bytes.
const MAX_PIECE: u64 = 1 << 16;

/// The two directions.
#[derive(Subcommand)]
pub(super) enum Wire {
    /// JSON objects, one a line, to frames as hexadecimal digits, one a line
    ///
    /// Several objects on a line, lists of them and objects over several lines are taken too; lines that begin with #
    /// are comments.
    Encode(Args),
    /// Frames as hexadecimal digits, with or without noise between them, to JSON objects, one a line
    ///
    /// Each frame is printed as soon as it is certain. White space, commas, colons and 0x may stand between digits; # begins
    /// a comment. A frame may go on over lines, but one that fills its line is believed before one that crosses it.
    /// The numbers printed encode to the same frame again. Messages of whole robots (DDS samples, datagrams) come one a line; of
    /// those the fields that are of use are shown. A frame of which the checksum alone is wrong is told on standard
    /// error, with its place and both checksums.
    Decode(Args),
}

/// Arguments of both.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Whose frames
    #[arg(long, value_name = "NAME")]
    protocol: WireProtocol,
    /// Damiao: the motors' model, on which the ranges of their numbers depend
    #[arg(long, value_name = "NAME", default_value = "DM4310", value_parser = model)]
    model: Model,
    /// Feetech: take packets for answers, which look like requests
    #[arg(long)]
    answers: bool,
    /// Print an object of each kind of frame of this protocol, and read nothing
    #[arg(long)]
    examples: bool,
    /// Where to read from; standard input if it is left out or -
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(what: &Wire) -> anyhow::Result<ExitCode> {
    let (Wire::Encode(args) | Wire::Decode(args)) = what;
    let mut out = BufWriter::new(Stdout);
    let input = if args.examples { Box::new(std::io::empty()) } else { open(args.file.as_deref())? };
    let all_used = match args.protocol {
        WireProtocol::Bus(protocol) => {
            let codec = Codec { protocol, model: args.model, answers: args.answers };
            match what {
                _ if args.examples => examples(codec.examples(), &mut out).map(|()| true),
                Wire::Encode(_) => {
                    encode::encode(|object| codec.encode(object), Lines::new(input, MAX_LINE), &mut out)
                }
                Wire::Decode(_) => decode::decode(&codec, Lines::new(input, MAX_PIECE), &mut out),
            }
        }
        WireProtocol::Robot(protocol) => match what {
            _ if args.examples => examples(protocol.examples(), &mut out).map(|()| true),
            Wire::Encode(_) => {
                encode::encode(|object| protocol.encode(object), Lines::new(input, MAX_LINE), &mut out)
            }
            Wire::Decode(_) => messages::decode(protocol, Lines::new(input, MAX_LINE), &mut out),
        },
    };
    match all_used {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(BAD_INPUT)),
        // Whoever reads the output has seen enough, as `head` has.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("the input cannot be read, or the output not written"),
    }
}

fn examples(lines: &[&str], out: &mut impl Write) -> std::io::Result<()> {
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn model(name: &str) -> Result<Model, String> {
    Model::named(name).ok_or_else(|| {
        let known: Vec<_> = Model::all().map(Model::name).collect();
        format!("not a model that is known: use one of {}", known.join(", "))
    })
}

fn open(file: Option<&Path>) -> anyhow::Result<Box<dyn Read>> {
    let Some(path) = file.filter(|path| *path != Path::new("-")) else {
        return Ok(Box::new(std::io::stdin().lock()));
    };
    let file = std::fs::File::open(path).and_then(|file| {
        let is_directory = file.metadata()?.is_dir();
        if is_directory { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
    });
    match file {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(BadInput {
            message: format!("{}: {error}", path.display()),
            help: "give a file of lines that can be read, or none to read standard input".to_owned(),
        }
        .into()),
    }
}
