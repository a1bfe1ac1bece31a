use super::*;

/// The picture that `training/export.py` makes for its fixture.
fn fixture_picture(width: u32, height: u32) -> RgbImage {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                data.push(((x * (3 + c) + y * (5 - c) + ((x * y) >> (2 + c))) % 256) as u8);
            }
        }
    }
    RgbImage { width, height, data }
}

/// The numbers in a tensor of the fixture that `training/export.py` wrote, with its shape.
fn fixture(name: &str) -> (Vec<usize>, Vec<f32>) {
    let file = include_bytes!("../../weights/parity.safetensors");
    let file = safetensors::SafeTensors::deserialize(file).expect("the fixture");
    let tensor = file.tensor(name).expect("in the fixture");
    let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    (tensor.shape().to_vec(), values.collect())
}

#[test]
fn the_network_sees_what_it_was_trained_on() {
    let (shape, theirs) = fixture("inputs");
    assert_eq!(shape, [5, 64, 96]);
    let inputs = Inputs::of(&fixture_picture(96, 64));
    for (i, theirs) in theirs.iter().enumerate() {
        let (c, y, x) = (i / (96 * 64), i / 96 % 64, i % 96);
        let ours = inputs.row(c, y)[x];
        assert!((ours - theirs).abs() < 1e-4, "channel {c} at {x}, {y}: {ours} {theirs}");
    }
}

#[test]
fn it_gives_the_logits_that_pytorch_gave() {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    let inputs = Inputs::of(&fixture_picture(96, 64));
    let input = windows::windows(96, 64)[0].input(&inputs);
    let input = Tensor::from_vec(input, (1, INPUTS, 64, 96), &Device::Cpu).expect("a tensor");
    let ours =
        segmenter.network.forward(&input).and_then(|y| y.flatten_all()).and_then(|y| y.to_vec1::<f32>());
    let ours = ours.expect("runs");
    let (shape, theirs) = fixture("logits");
    assert_eq!(shape, [1, 5, 64, 96]);
    for (i, theirs) in theirs.iter().enumerate() {
        let (class, y, x) = (i / (64 * 96), i / 96 % 64, i % 96);
        let ours = ours[((4 * class + (y % 2) * 2 + x % 2) * 32 + y / 2) * 48 + x / 2];
        assert!(
            (ours - theirs).abs() < 2e-3 * theirs.abs().max(1.0),
            "class {class} at {x}, {y}: {ours} {theirs}"
        );
    }
}

#[test]
fn pictures_of_any_size_get_scores_of_that_size() {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    for (width, height) in [(1, 1), (1, 70), (33, 31), (640, 3), (1700, 1000)] {
        let map = segmenter.segment(&fixture_picture(width, height)).expect("runs");
        assert_eq!((map.width, map.height), (width, height));
        assert_eq!(map.scores.len(), 4 * (width * height) as usize);
        assert_eq!(map.mask().len(), (width * height) as usize);
    }
}

#[test]
fn windows_do_not_show_in_the_result() {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    let picture = fixture_picture(1800, 1000);
    let cut = RgbImage {
        width: 900,
        height: 1000,
        data: picture.data.chunks_exact(1800 * 3).flat_map(|row| &row[..900 * 3]).copied().collect(),
    };
    let (whole, part) = (segmenter.segment(&picture).expect("runs"), segmenter.segment(&cut).expect("runs"));
    let (mut differ, mut count) = (0, 0);
    for y in 0..1000 {
        for x in 0..800 {
            let (a, b) = (whole.scores[y * 1800 + x], part.scores[y * 900 + x]);
            differ += usize::from(a.abs_diff(b) > 40);
            count += 1;
        }
    }
    assert!(differ * 100 < count, "{differ} of {count} pixels differ");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    let picture = fixture_picture(320, 200);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| segmenter.segment(&picture)).expect("runs")
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn broken_pictures_are_refused() {
    let segmenter = Segmenter::bundled().expect("the bundled weights load");
    let refused = |width, height, bytes| {
        segmenter.segment(&RgbImage { width, height, data: vec![0; bytes] }).expect_err("refused").to_string()
    };
    assert!(refused(0, 5, 0).contains("at least one pixel"));
    assert!(refused(4, 4, 47).contains("needs 48 bytes, not 47"));
    assert!(refused(u32::MAX, u32::MAX, 3).contains("not 3"));
}

#[test]
fn broken_weights_are_refused_with_a_remedy() {
    let refused = |bytes: &[u8]| {
        let text = Segmenter::from_safetensors(bytes).expect_err("refused").to_string();
        assert!(text.contains("export.py"), "{text}");
        text
    };
    assert!(refused(b"").contains("no safetensors file"));
    assert!(refused(b"hello, this is not a file of weights").contains("no safetensors file"));
    refused(&BUNDLED[..BUNDLED.len() - 4]);
    let swap = |from: &str, to: &str| {
        let at = BUNDLED.windows(from.len()).position(|w| w == from.as_bytes()).expect("in the header");
        let mut bytes = BUNDLED.to_vec();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    assert!(refused(&swap("adit-defects-2", "adit-defects-9")).contains("this version reads"));
    assert!(refused(&swap("\"scales\":", "\"scalez\":")).contains("metadata lacks `scales`"));
    assert!(refused(&swap("\"stem.weight\"", "\"stim.weight\"")).contains("no tensor stem.weight"));
    let mut nan = BUNDLED.to_vec();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refused(&nan).contains("not numbers"));
}

#[test]
fn versions_tell_weights_apart() {
    let mut other = BUNDLED.to_vec();
    let end = other.len();
    other[end - 4] ^= 1;
    let (a, b) = (Segmenter::bundled().expect("loads"), Segmenter::from_safetensors(&other).expect("loads"));
    assert_eq!(a.version().len(), 16);
    assert_ne!(a.version(), b.version());
}
