//! `adit model score` as people call it.

use std::path::Path;
use std::process::{Command, Output};

fn score(args: &[&str]) -> Output {
    let adit = Command::new(env!("CARGO_BIN_EXE_adit")).args(["model", "score"]).args(args).output();
    adit.expect("adit starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A grey wall with a dark crack down its middle, and a mask of that crack.
fn write_wall(folder: &Path) {
    let crack = |x: u32, y: u32| x.abs_diff(64 + y / 8) < 3;
    let noise = |x: u32, y: u32| (x * 7919 + y * 104_729) % 17;
    let wall = |x, y| if crack(x, y) { 40 } else { 140 + noise(x, y) as u8 };
    image::RgbImage::from_fn(128, 128, |x, y| image::Rgb([wall(x, y); 3]))
        .save(folder.join("wall.png"))
        .expect("written");
    image::GrayImage::from_fn(128, 128, |x, y| image::Luma([u8::from(crack(x, y)) * 255]))
        .save(folder.join("wall_mask.png"))
        .expect("written");
}

#[test]
fn a_set_gets_a_row_for_each_class_that_it_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    write_wall(folder.path());
    let path = folder.path().to_str().expect("text");
    let table = score(&[path]);
    assert_eq!(table.status.code(), Some(0), "{}", text(&table.stderr));
    assert!(text(&table.stdout).contains("| 1 of 1 | crack | 0.50 |"), "{}", text(&table.stdout));
    assert_eq!(text(&table.stdout).lines().count(), 3);

    let json = text(&score(&[path, "--json"]).stdout);
    let scores: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let crack = &scores["classes"][0];
    assert_eq!((&crack["class"], &crack["shown_by"]), (&"crack".into(), &1.into()), "{json}");
    // However unsure the model is of a drawn crack, it tells it from the wall.
    assert!(crack["best_strict_f1"].as_f64() > Some(0.5), "{json}");
}

#[test]
fn what_cannot_be_scored_is_one_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text");
    write_wall(folder.path());
    let mask = folder.path().join("wall_mask.png");
    image::GrayImage::new(64, 128).save(&mask).expect("written");
    let weights = mask.to_str().expect("text");
    for (args, words) in [
        (&["nowhere"][..], "nowhere: cannot be read"),
        (&[path], "wall_mask.png: is 64 x 128 pixels"),
        (&[path, "--weights", weights], "wall_mask.png: "),
        (&[path, "--labels", "1=hole"], "not NUMBER=CLASS"),
    ] {
        let refused = score(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused.stdout));
        assert!(text(&refused.stderr).contains(words), "{args:?}: {}", text(&refused.stderr));
    }
}
