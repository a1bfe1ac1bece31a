//! `adit learn` as an operator goes through it: export, verdicts, training, promotion.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma, Rgb, RgbImage};

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../perception/weights/defects.safetensors");

fn learn(folder: &Path, args: &[&str]) -> Output {
    let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"));
    adit.arg("learn").args(args).current_dir(folder).output().expect("adit starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(folder: &Path, args: &[&str]) -> String {
    let run = learn(folder, args);
    assert_eq!(run.status.code(), Some(0), "{args:?}: {}{}", text(&run.stdout), text(&run.stderr));
    text(&run.stdout)
}

fn refused(folder: &Path, args: &[&str], words: &[&str]) {
    let run = learn(folder, args);
    let error = text(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{args:?}: {}{error}", text(&run.stdout));
    assert!(error.contains("help:") && words.iter().all(|w| error.contains(w)), "{args:?}: {error}");
}

fn is_crack(x: u32, y: u32) -> bool {
    x.abs_diff(64 + y / 8) < 3
}

/// A grey wall with a dark crack down its middle; `seed` makes another wall of it.
fn wall(path: &Path, seed: u32) {
    let noise = |x: u32, y: u32| (x * 7919 + y * 104_729 + seed) % 17;
    let grey = |x, y| if is_crack(x, y) { 40 } else { 140 + noise(x, y) as u8 };
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    RgbImage::from_fn(128, 128, |x, y| Rgb([grey(x, y); 3])).save(path).expect("written");
}

/// The weights that Adit has, with another threshold of cracks.
fn weights(path: &Path, threshold: &str) {
    let mut bytes = fs::read(BUNDLED).expect("there");
    let (old, new) = (br#""thresholds":"[0.5,"#, format!(r#""thresholds":"[{threshold},"#));
    assert_eq!(old.len(), new.len(), "a header of the same length");
    let at = bytes.windows(old.len()).position(|part| part == old).expect("thresholds");
    bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
    fs::write(path, bytes).expect("written");
}

fn mask(path: PathBuf) -> GrayImage {
    image::open(path).expect("a mask").into_luma8()
}

/// A folder with a wall that was exported by weights that mark its crack.
fn exported() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    wall(&folder.path().join("wall.png"), 0);
    weights(&folder.path().join("keen.safetensors"), "0.1");
    let said =
        succeeds(folder.path(), &["export", "wall.png", "--out", "mine", "--weights", "keen.safetensors"]);
    (folder, said)
}

/// Writes a word into the last column of the rows that `of` is true of.
fn judge(table: &Path, word: &str, of: impl Fn(&str) -> bool) {
    let rows = fs::read_to_string(table).expect("there");
    let judged = rows.lines().map(|row| if of(row) { format!("{row}{word}\n") } else { format!("{row}\n") });
    fs::write(table, judged.collect::<String>()).expect("written");
}

#[test]
fn verdicts_and_paint_make_masks_and_are_never_overwritten() {
    let (folder, said) = exported();
    let mine = folder.path().join("mine");
    assert!(said.contains("1 pictures with") && said.contains("adit learn train mine"), "{said}");
    let table = fs::read_to_string(mine.join("verdicts.csv")).expect("written");
    assert!(table.lines().nth(1).is_some_and(|row| row.starts_with("wall,1,crack,")), "{table}");
    assert!(table.ends_with("wall,rest,,0,0,128,128,,\n"), "{table}");
    refused(folder.path(), &["apply", "mine", "--out", "set"], &["nothing was corrected", "fill the column"]);

    let marked = mask(mine.join("wall_mask.png"));
    judge(&mine.join("verdicts.csv"), "corrosion", |row| row.starts_with("wall,1,"));
    let mut painted = marked.clone();
    painted.put_pixel(5, 5, Luma([3]));
    painted.save(mine.join("wall_mask.png")).expect("written");
    succeeds(folder.path(), &["apply", "mine", "--out", "set"]);
    let corrected = mask(folder.path().join("set/wall_mask.png"));
    let row = marked.enumerate_pixels().filter(|(x, y, p)| p[0] == 1 && is_crack(*x, *y)).count();
    let now = corrected.enumerate_pixels().filter(|(x, y, p)| p[0] == 4 && is_crack(*x, *y)).count();
    assert!(row > 100 && now * 10 > row * 9, "{now} of {row} pixels");
    assert_eq!((corrected[(5, 5)], corrected[(9, 9)]), (Luma([3]), Luma([255])));
    assert!(
        fs::read_to_string(folder.path().join("set/labels.txt")).expect("there").starts_with("1=crack,2=")
    );

    // Another export leaves it all alone, and adds what is new.
    wall(&folder.path().join("other.png"), 5);
    let before = fs::read_to_string(mine.join("verdicts.csv")).expect("there");
    succeeds(folder.path(), &["export", "wall.png", "other.png", "--out", "mine"]);
    let after = fs::read_to_string(mine.join("verdicts.csv")).expect("there");
    assert!(after.starts_with(&before) && after.contains("\nother,rest,"), "{after}");
    assert_eq!(mask(mine.join("wall_mask.png")), painted);
    // Files of which the table does not speak are nobody's to replace.
    wall(&mine.join("alien.png"), 6);
    wall(&folder.path().join("b/alien.png"), 7);
    wall(&folder.path().join("b/wall.png"), 8);
    refused(folder.path(), &["export", "b/wall.png", "--out", "mine"], &["is another picture of that name"]);
    refused(
        folder.path(),
        &["promote", "keen.safetensors", "--in-use", "other.safetensors", "--frozen", "mine"],
        &["its masks are those that a model made", "adit learn apply"],
    );
    refused(folder.path(), &["export", "b/alien.png", "--out", "mine"], &["mine/alien.png", "no row of it"]);
}

#[test]
fn what_cannot_be_applied_is_one_clear_error() {
    let (folder, _) = exported();
    let mine = folder.path().join("mine");
    let (table, marked) = (mine.join("verdicts.csv"), mine.join("wall_mask.png"));
    let (rows, picture) = (fs::read(&table).expect("there"), fs::read(&marked).expect("there"));
    let apply = ["apply", "mine", "--out", "set"];
    judge(&table, "maybe", |row| row.starts_with("wall,1,"));
    refused(folder.path(), &apply, &["verdicts.csv:2: verdict \"maybe\"", "right, wrong or one of crack"]);
    fs::write(&table, &rows).expect("written");
    // As spreadsheets make 7 of 007.
    let renamed = text(&rows).replace("wall,1,", "7,1,").replace(",\n", ",right\n");
    fs::write(&table, renamed).expect("written");
    refused(folder.path(), &apply, &["there is no picture 7", "leave the column `picture`"]);
    fs::write(&table, &rows).expect("written");
    let numbers = image::ImageBuffer::from_pixel(128, 128, Luma([3u16]));
    numbers.save(&marked).expect("written");
    refused(folder.path(), &apply, &["wall_mask.png: this mask has numbers of 16 bits", "8 bits"]);
    GrayImage::new(64, 128).save(&marked).expect("written");
    refused(folder.path(), &apply, &["wall_mask.png: is 64 x 128 pixels, its photograph 128 x 128"]);
    GrayImage::from_pixel(128, 128, Luma([77])).save(&marked).expect("written");
    refused(folder.path(), &apply, &["wall_mask.png: has a pixel of 77"]);
    fs::write(&marked, picture).expect("written");
    refused(folder.path(), &["apply", ".", "--out", "set"], &["verdicts.csv: is not there"]);
    assert!(!folder.path().join("set").exists(), "nothing was made");
}

/// A training that writes down how it was called, and whose weights were there before.
fn fake_training(folder: &Path) {
    let training = folder.join("training");
    fs::create_dir_all(training.join(".venv/bin")).expect("made");
    fs::write(training.join("train.py"), "").expect("written");
    let python = training.join(".venv/bin/python");
    let script = "#!/bin/sh\necho \"$@\" >> calls\ncase $1 in *export.py) mkdir -p \"${4%/*}\"; cp trained.safetensors \"$4\";; esac\n";
    fs::write(&python, script).expect("written");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("made");
}

#[test]
fn a_training_is_run_as_its_record_says_and_what_it_saw_is_no_frozen_set() {
    let (folder, _) = exported();
    let path = folder.path();
    judge(&path.join("mine/verdicts.csv"), "right", |row| !row.starts_with("picture"));
    let train = ["train", "mine", "--out", "new.safetensors", "--steps", "2", "--", "--roads", "R"];
    refused(path, &train, &["perception/training: has no train.py", "--training"]);
    let train = |more: &[&'static str]| {
        let common = ["train", "mine", "--out", "new.safetensors", "--training", "training", "--steps", "2"];
        [&common, more].concat()
    };
    fs::create_dir(path.join("training")).expect("made");
    fs::write(path.join("training/train.py"), "").expect("written");
    refused(path, &train(&[]), &["python3 -m venv training/.venv", "requirements-teacher.txt"]);
    fake_training(path);
    weights(&path.join("trained.safetensors"), "0.2");
    // One that ended before it saved anything is begun anew.
    let python = path.join("training/.venv/bin/python");
    let works = fs::read(&python).expect("there");
    fs::write(&python, "#!/bin/sh\nexit 2\n").expect("written");
    assert!(!learn(path, &train(&["--", "--raods", "R"])).status.success());
    fs::write(&python, works).expect("written");
    succeeds(path, &train(&["--shifts", "0", "-0.5", "0", "0", "--", "--roads", "R"]));
    let calls = fs::read_to_string(path.join("calls")).expect("called");
    let expected = "training/train.py --out new.work --own new.work/corrected --start new.work/start.safetensors --steps 2 \
                    --seed 7 --roads R\n\
                    training/export.py new.work/last.pt --weights new.work/export/weights.safetensors --shifts 0 -0.5 0 0\n";
    assert_eq!(calls, expected);
    let same = |a: &str, b: &str| fs::read(path.join(a)).expect("there") == fs::read(b).expect("there");
    assert!(
        same("new.work/start.safetensors", BUNDLED)
            && same("trained.safetensors", path.join("new.safetensors").to_str().expect("text"))
    );
    assert!(
        path.join("new.work/corrected/wall.png").exists()
            && path.join("new.work/corrected/wall_mask.png").exists()
    );
    let how: serde_json::Value =
        serde_json::from_slice(&fs::read(path.join("new.work/how.json")).expect("there")).expect("JSON");
    assert_eq!(
        (&how["train"][9], &how["learned"][0]["picture"]),
        (&"7".into(), &"mine/wall.png".into()),
        "{how}"
    );

    refused(path, &train(&[]), &["new.safetensors: is there already", "--resume"]);
    refused(path, &train(&["--resume"]), &["other arguments"]);
    succeeds(path, &train(&["--resume", "--", "--roads", "R"]));
    let calls = fs::read_to_string(path.join("calls")).expect("called");
    assert!(calls.lines().nth(2).is_some_and(|call| call.ends_with("--roads R --resume")), "{calls}");

    // The same picture under another name, in another file.
    fs::create_dir(path.join("frozen")).expect("made");
    image::open(path.join("wall.png")).expect("there").save(path.join("frozen/known.png")).expect("written");
    GrayImage::new(128, 128).save(path.join("frozen/known_mask.png")).expect("written");
    let promote = ["promote", "new.safetensors", "--in-use", "in-use.safetensors", "--frozen", "frozen"];
    refused(path, &promote, &["frozen/known.png: was learned from"]);
    assert!(!path.join("in-use.safetensors").exists());
}

#[test]
fn only_better_weights_are_promoted_and_the_old_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    wall(&path.join("frozen/wall.png"), 0);
    let crack = |x, y| Luma([u8::from(is_crack(x, y)) * 255]);
    GrayImage::from_fn(128, 128, crack).save(path.join("frozen/wall_mask.png")).expect("written");
    weights(&path.join("blind.safetensors"), "1.0");
    weights(&path.join("keen.safetensors"), "0.1");
    fs::create_dir(path.join("models")).expect("made");
    fs::copy(path.join("keen.safetensors"), path.join("models/defects.safetensors")).expect("copied");
    let read = |name: &str| fs::read(path.join(name)).expect("there");
    let files = || fs::read_dir(path.join("models")).expect("there").count();
    let promote = |candidate: &'static str| {
        ["promote", candidate, "--in-use", "models/defects.safetensors", "--frozen", "frozen"]
    };

    let worse = learn(path, &promote("blind.safetensors"));
    let said = text(&worse.stdout);
    assert_eq!(worse.status.code(), Some(1), "{said}{}", text(&worse.stderr));
    assert!(
        said.contains("not promoted") && said.contains("strict F1 of crack on frozen: 0.000 after 0."),
        "{said}"
    );
    assert!(
        read("models/defects.safetensors") == read("keen.safetensors") && files() == 1,
        "nothing was touched"
    );

    fs::copy(path.join("blind.safetensors"), path.join("models/defects.safetensors")).expect("copied");
    let said = succeeds(path, &promote("keen.safetensors"));
    assert!(
        said.contains("in use: ")
            && said.contains("candidate: ")
            && said.contains("| frozen | 1 of 1 | crack |"),
        "{said}"
    );
    assert!(read("models/defects.safetensors") == read("keen.safetensors") && files() == 3);
    let history = text(&read("models/defects.safetensors.history.jsonl"));
    let line: serde_json::Value = serde_json::from_str(history.trim_end()).expect("one line");
    let kept = format!("models/defects-{}.safetensors", line["was"].as_str().expect("a version"));
    assert_eq!(read(&kept), read("blind.safetensors"));
    assert_eq!(
        (&line["frozen"][0]["folder"], &line["frozen"][0]["photographs"]),
        (&"frozen".into(), &1.into())
    );
    let mode = fs::metadata(path.join("models/defects.safetensors")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    refused(path, &promote("keen.safetensors"), &["is in use already"]);

    // A set that changed is told, and what is there is not what Adit brings.
    wall(&path.join("frozen/second.png"), 3);
    fs::copy(path.join("frozen/wall_mask.png"), path.join("frozen/second_mask.png")).expect("copied");
    let changed = learn(path, &[&promote("blind.safetensors")[..], &["--json"]].concat());
    assert_eq!(changed.status.code(), Some(1));
    assert!(text(&changed.stderr).contains("is not as it was"), "{}", text(&changed.stderr));
    let last = text(&changed.stdout).lines().last().map(str::to_owned).expect("lines");
    let outcome: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!(outcome["promoted"], false, "{outcome}");
}
