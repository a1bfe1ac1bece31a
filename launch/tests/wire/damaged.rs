//! Frames of which the checksum alone is wrong: told as that, with where they stand, and taking nothing from whole ones.

use launch::wire_tools::{Codec, Damaged, Found, Protocol, to_hex};

use super::{codec, frame, text, wire};

/// Place of the checksum in a frame, and whether its lowest byte stands first. Of Damiao's there is none.
fn checksum(protocol: Protocol, frame: &[u8]) -> Option<(std::ops::Range<usize>, bool)> {
    let end = frame.len();
    Some(match protocol {
        Protocol::GoM8010 | Protocol::Dynamixel2 => (end - 2..end, true),
        Protocol::A1 | Protocol::B1 => (end - 4..end, true),
        Protocol::Feetech => (end - 1..end, true),
        // A zero byte ends the frame.
        Protocol::Adit => (end - 4..end - 1, false),
        Protocol::Damiao => return None,
    })
}

/// The frame with one bit of its checksum flipped, and what is to be said of it.
fn flipped(protocol: Protocol, good: &[u8]) -> Option<(Vec<u8>, Damaged)> {
    let (place, is_little_endian) = checksum(protocol, good)?;
    let mut bad = good.to_vec();
    bad[place.start] ^= 1;
    let number = |frame: &[u8]| {
        let mut bytes = frame[place.clone()].to_vec();
        if is_little_endian {
            bytes.reverse();
        }
        format!("0x{}", to_hex(&bytes))
    };
    let [carried, computed] = [&bad, good].map(number);
    Some((bad.clone(), Damaged { kind: "", len: good.len(), carried, computed }))
}

/// The damaged frames in lines, with where they begin, and the number of whole ones and of bytes of noise.
fn found(codec: Codec, lines: &[Vec<u8>]) -> (Vec<(usize, Damaged)>, usize, usize) {
    let mut starts = vec![0];
    starts.extend(lines.iter().scan(0, |end, line| {
        *end += line.len();
        Some(*end)
    }));
    let (mut damaged, mut whole, mut noise) = (Vec::new(), 0, 0);
    for (range, found) in codec.decode(&lines.concat(), &starts) {
        match found {
            Found::Frame(_) => whole += 1,
            Found::Noise(_) => noise += range.len(),
            Found::Damaged(frame, shown) => {
                assert!(!frame.kind.is_empty() && range.len() == frame.len && frame.len >= shown.len());
                damaged.push((range.start, Damaged { kind: "", ..frame }));
            }
        }
    }
    (damaged, whole, noise)
}

#[test]
fn a_frame_with_a_wrong_checksum_is_told_with_its_place_and_both_checksums() {
    let mut told = 0;
    for protocol in Protocol::ALL {
        let codec = codec(protocol);
        for example in codec.examples() {
            let good = frame(&codec, example);
            let Some((bad, expected)) = flipped(protocol, &good) else { continue };
            let name = format!("{} {example}", protocol.name());
            let len = good.len();
            let (head, tail) = bad.split_at(len / 2);
            let noise = vec![0x5A; 5];
            let cases = [
                ("alone", vec![bad.clone()], vec![0], 0, 0),
                ("between whole ones", vec![[&good[..], &bad, &good].concat()], vec![len], 2, 0),
                (
                    "several in a row",
                    vec![[&good[..], &bad, &bad, &bad, &good].concat()],
                    vec![len, 2 * len, 3 * len],
                    2,
                    0,
                ),
                ("behind noise", vec![[&noise[..], &bad].concat()], vec![5], 0, 5),
                ("before noise", vec![[&bad[..], &noise, &[0]].concat()], vec![0], 0, 6),
                (
                    "over lines",
                    vec![good.clone(), head.to_vec(), tail.to_vec(), good.clone()],
                    vec![len],
                    2,
                    0,
                ),
            ];
            for (case, lines, places, whole, noise) in cases {
                let expected: Vec<_> = places.into_iter().map(|at| (at, expected.clone())).collect();
                assert_eq!(found(codec, &lines), (expected, whole, noise), "{case}: {name}");
                told += 1;
            }
        }
    }
    assert!(told > 150, "{told}: all protocols but one have checksums");
}

/// The beginning of a frame, completed by what stands behind it, has a wrong checksum too.
#[test]
fn a_cut_frame_is_no_damaged_one_and_hides_none() {
    for protocol in Protocol::ALL {
        let codec = codec(protocol);
        let good = frame(&codec, codec.examples()[0]);
        let Some((bad, expected)) = flipped(protocol, &good) else { continue };
        let cut = good[..good.len() / 2].to_vec();
        let name = protocol.name();
        let (damaged, whole, _) = found(codec, &[cut.clone(), good.clone(), cut.clone()]);
        assert_eq!((damaged, whole), (Vec::new(), 1), "{name}");
        // Adit's frames end with a zero byte alone: what is cut before one is a part of what follows.
        if protocol != Protocol::Adit {
            assert_eq!(found(codec, &[cut.clone(), bad]).0, [(cut.len(), expected)], "{name}");
        }
    }
}

/// A frame captured on a Go2's inner bus: "no intact frame" was all that was said of it.
#[test]
fn the_command_says_which_frame_where_and_what_was_computed() {
    let captured = "FEEE1100000000000000000000B40037C1";
    let output = wire(&["decode", "--protocol", "go-m8010-6"], &format!("{captured}\n"));
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("line 1: the 17 bytes at offset 0 are a command but for its checksum, which is 0xC137 where the others give 0x2116")
            && told.contains(captured)
            && told.contains("no frame was found whose checksum is right, and 1 with a wrong one"),
        "{told}"
    );
    // Among whole ones it is no failure of the decoder's; a long line counts its bytes from its own beginning.
    let good = to_hex(&frame(&codec(Protocol::GoM8010), codec(Protocol::GoM8010).examples()[0]));
    let output = wire(
        &["decode", "--protocol", "go-m8010-6"],
        &format!("{good}\n{}{captured}{good}\n", good.repeat(3000)),
    );
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).lines().count()), (Some(0), 3002), "{told}");
    assert!(
        told.starts_with(&format!("line 2: the 17 bytes at offset {} are a command", 3000 * 17)),
        "{told}"
    );
}
