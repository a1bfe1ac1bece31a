//! `adit wire encode` and `adit wire decode`: frames of motor buses from JSON and to JSON, line by line.
//!
//! What cannot be used is told on standard error with its line, and the rest goes on; the exit code says so at
//! the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use firmware_bridge::wire::damiao::Model;
use serde_json::{Map, Value};

use super::{BAD_INPUT, BadInput};
use crate::wire::{Codec, Found, Protocol, parse_hex, to_hex};

/// The two directions.
#[derive(Subcommand)]
pub(super) enum Wire {
    /// JSON objects, one a line, to frames as hexadecimal digits, one a line
    Encode(Args),
    /// Frames as hexadecimal digits, with or without noise between them, to JSON objects, one a line
    Decode(Args),
}

/// Arguments of both.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Whose frames
    #[arg(long, value_name = "NAME")]
    protocol: Protocol,
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
    let mut out = std::io::stdout().lock();
    if args.examples {
        for line in args.protocol.examples() {
            writeln!(out, "{line}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let input = open(args.file.as_deref())?;
    let codec = Codec { protocol: args.protocol, model: args.model, answers: args.answers };
    let all_used = match what {
        Wire::Encode(_) => encode(&codec, input, &mut out),
        Wire::Decode(_) => decode(&codec, input, &mut out),
    };
    match all_used {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(BAD_INPUT)),
        // Whoever reads the output has seen enough, as `head` has.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("the input cannot be read, or the output not written"),
    }
}

fn model(name: &str) -> Result<Model, String> {
    Model::named(name).ok_or_else(|| {
        let known: Vec<_> = Model::all().map(Model::name).collect();
        format!("not a model that is known: use one of {}", known.join(", "))
    })
}

fn open(file: Option<&Path>) -> anyhow::Result<Box<dyn BufRead>> {
    match file {
        None => Ok(Box::new(std::io::stdin().lock())),
        Some(path) if path == Path::new("-") => Ok(Box::new(std::io::stdin().lock())),
        Some(path) => match std::fs::File::open(path) {
            Ok(file) => Ok(Box::new(BufReader::new(file))),
            Err(error) => Err(BadInput {
                message: format!("{}: {error}", path.display()),
                help: "give a file of lines that can be read, or none to read standard input".to_owned(),
            }
            .into()),
        },
    }
}

/// Whether every line could be used.
fn encode(codec: &Codec, mut input: impl BufRead, out: &mut impl Write) -> std::io::Result<bool> {
    let (mut all_used, mut number) = (true, 0);
    while let Some(line) = next_line(&mut input, &mut number)? {
        let frames = objects(&line).and_then(|objects| {
            objects.iter().map(|object| codec.encode(object).map_err(|e| e.to_string())).collect()
        });
        let frames: Vec<_> = frames.unwrap_or_else(|why| {
            eprintln!("line {number}: {why}");
            all_used = false;
            Vec::new()
        });
        for frame in frames {
            writeln!(out, "{}", to_hex(&frame))?;
        }
    }
    Ok(all_used)
}

/// A line is an object, or a list of them.
fn objects(line: &str) -> Result<Vec<Map<String, Value>>, String> {
    let object = |value| match value {
        Value::Object(object) => Ok(object),
        other => Err(format!("{other} is no JSON object: see --examples")),
    };
    match serde_json::from_str(line).map_err(|error| format!("{error}: see --examples"))? {
        Value::Array(values) => values.into_iter().map(object).collect(),
        value => Ok(vec![object(value)?]),
    }
}

/// Whether every line could be read, and there was a frame. Noise between frames is what a decoder is for: it is
/// told, and no failure.
fn decode(codec: &Codec, mut input: impl BufRead, out: &mut impl Write) -> std::io::Result<bool> {
    let (mut all_used, mut number) = (true, 0);
    let mut stream = Vec::new();
    // Where each line's bytes begin.
    let mut lines: Vec<(usize, usize)> = Vec::new();
    while let Some(line) = next_line(&mut input, &mut number)? {
        lines.push((stream.len(), number));
        match parse_hex(&line) {
            Ok(bytes) => stream.extend(bytes),
            Err(why) => {
                eprintln!("line {number}: {why}");
                all_used = false;
            }
        }
    }
    let mut frames = 0;
    let starts: Vec<_> = lines.iter().map(|(start, _)| *start).collect();
    for (range, found) in codec.decode(&stream, &starts) {
        match found {
            Found::Frame(json) => {
                frames += 1;
                writeln!(out, "{json}")?;
            }
            Found::Noise => {
                let line = lines.partition_point(|(start, _)| *start <= range.start).saturating_sub(1);
                let number = lines.get(line).map_or(0, |(_, number)| *number);
                let shown = to_hex(&stream[range.start..range.end.min(range.start + 32)]);
                let more = if range.len() > 32 { "..." } else { "" };
                eprintln!("line {number}: {} bytes are no intact frame: {shown}{more}", range.len());
            }
        }
    }
    if frames == 0 {
        eprintln!("no frame was found: check --protocol, and that whole frames were given");
    }
    Ok(all_used && frames > 0)
}

/// The next line that is not empty or a comment (`#`), and its number.
fn next_line(input: &mut impl BufRead, number: &mut usize) -> std::io::Result<Option<String>> {
    loop {
        let mut bytes = Vec::new();
        if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        *number += 1;
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            return Ok(Some(line.to_owned()));
        }
    }
}

/// A longer line is taken in pieces, bytes.
const MAX_LINE: u64 = 1 << 24;
