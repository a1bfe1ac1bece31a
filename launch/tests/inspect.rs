//! `adit inspect` as a user starts it: its files, its errors, its memory.

use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, Luma, Rgb, RgbImage};

fn inspect(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.arg("inspect").args(args).current_dir(folder).output().expect("adit starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A grey wall with a dark line across.
fn wall(folder: &Path, name: &str, side: u32) {
    let pixel =
        |x: u32, y: u32| if y.abs_diff(side / 2 + x / 9) < 2 { Rgb([40; 3]) } else { Rgb([150, 148, 140]) };
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    RgbImage::from_fn(side, side, pixel).save(path).expect("written");
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn results_say_that_pixels_are_no_sizes() {
    let folder = tempfile::tempdir().expect("a folder");
    wall(folder.path(), "wall.png", 160);
    let run = inspect(folder.path(), &["wall.png", "--json"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let file = std::fs::read(folder.path().join("runs/inspect/wall.json")).expect("written");
    for json in [&run.stdout, &file] {
        let json: serde_json::Value = serde_json::from_slice(json).expect("JSON");
        let units = json["units"].as_str().expect("said");
        assert!(units.contains("pixels") && units.contains("crack width"), "{units}");
        assert_eq!((&json["width"], &json["judged_height"]), (&160.into(), &160.into()));
    }
    assert_eq!(
        names(&folder.path().join("runs/inspect")),
        ["wall.json", "wall_mask.png", "wall_overlay.png"]
    );
}

#[test]
fn weights_that_cannot_be_used_are_one_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    wall(folder.path(), "wall.png", 96);
    for (weights, words) in
        [("none", "none: cannot be read"), ("wall.png", "wall.png: the defect model's weights")]
    {
        let run = inspect(folder.path(), &["wall.png", "--weights", weights]);
        let error = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{error}");
        assert!(error.contains(words) && error.contains("help: give a file that"), "{error}");
    }
    assert_eq!(names(folder.path()), ["wall.png"], "nothing was made");
}

#[test]
fn results_of_another_call_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    wall(folder.path(), "a/wall.png", 160);
    wall(folder.path(), "b/wall.png", 96);
    wall(folder.path(), "b/other.png", 96);
    let width = || image::open(folder.path().join("runs/inspect/wall_mask.png")).expect("there").width();
    assert!(inspect(folder.path(), &["a/wall.png"]).status.success());
    // One of the same name is refused, and the other is looked at all the same.
    let second = inspect(folder.path(), &["b/wall.png", "b/other.png"]);
    let error = text(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{error}");
    assert!(error.contains("runs/inspect/wall_overlay.png") && error.contains("--overwrite"), "{error}");
    assert!(text(&second.stdout).contains("b/other.png"), "{}", text(&second.stdout));
    assert_eq!((width(), names(&folder.path().join("runs/inspect")).len()), (160, 6));
    let third = inspect(folder.path(), &["b/wall.png", "--overwrite"]);
    assert!(third.status.success(), "{}", text(&third.stderr));
    assert_eq!((width(), names(&folder.path().join("runs/inspect")).len()), (96, 6));
}

#[test]
fn a_photograph_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    wall(folder.path(), "wall.png", 96);
    wall(folder.path(), "wall_mask.png", 96);
    let before = std::fs::read(folder.path().join("wall_mask.png")).expect("there");
    let run = inspect(folder.path(), &["wall.png", "wall_mask.png", "--out", ".", "--overwrite"]);
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("would overwrite this photograph"), "{}", text(&run.stderr));
    assert_eq!(std::fs::read(folder.path().join("wall_mask.png")).expect("there"), before);
}

/// A limit on the size of files is what a full disk is: a write that fails half-way.
#[test]
fn a_full_disk_is_named_and_leaves_no_part_of_a_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let pixel = |x: u32, y: u32| Rgb([(x * 7 + y * 13 + x * y % 101) as u8 / 2 + 60; 3]);
    RgbImage::from_fn(400, 400, pixel).save(folder.path().join("noise.png")).expect("written");
    let command = r#"ulimit -f 16; trap "" XFSZ; exec "$0" inspect noise.png"#;
    let run = Command::new("bash")
        .args(["-c", command, env!("CARGO_BIN_EXE_adit")])
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    let error = text(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write runs/inspect/noise_overlay.png"), "{error}");
    assert!(error.contains("File too large") && error.contains("help:"), "{error}");
    // What was found is told all the same, and nothing stands where a result would.
    assert!(text(&run.stdout).starts_with("noise.png: "), "{}", text(&run.stdout));
    assert_eq!(names(&folder.path().join("runs/inspect")), [""; 0]);
    // With room again the same call does its work.
    assert!(inspect(folder.path(), &["noise.png"]).status.success());
    assert_eq!(names(&folder.path().join("runs/inspect")).len(), 3);
}

/// 96 megapixels: in colour alone they would be 288 MB, and their scores 384.
#[test]
fn a_large_picture_takes_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (width, height) = (12_000, 8_000);
    let pixel = |x: u32, y: u32| Luma([if y.abs_diff(4000 + x / 9) < 9 { 40 } else { 150 }]);
    GrayImage::from_fn(width, height, pixel).save(folder.path().join("large.png")).expect("written");
    let run = Command::new("bash")
        .args(["-c", r#"ulimit -v 900000; exec "$0" inspect large.png --json"#, env!("CARGO_BIN_EXE_adit")])
        .env("RAYON_NUM_THREADS", "2")
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    assert!(run.status.success(), "{}", text(&run.stderr));
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!((&json["width"], &json["judged_width"]), (&12_000.into(), &1500.into()));
    let mask = image::image_dimensions(folder.path().join("runs/inspect/large_mask.png")).expect("whole");
    assert_eq!(mask, (width, height));
}

/// All photographs were judged before the first result found no place.
#[test]
fn a_folder_that_takes_no_results_is_refused_before_anything_is_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    wall(folder.path(), "wall.png", 160);
    std::os::unix::fs::symlink("gone", folder.path().join("link")).expect("a link");
    for out in ["wall.png", "wall.png/below", "link"] {
        let run = inspect(folder.path(), &["wall.png", "--out", out]);
        let error = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{out}: {error}");
        assert!(
            run.stdout.is_empty() && error.contains("help: give another folder with --out"),
            "{out}: {error}"
        );
    }
    assert_eq!(names(folder.path()), ["link", "wall.png"], "nothing was made");
}
