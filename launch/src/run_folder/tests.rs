//! Folders as they may be found: earlier runs, live ones, other people's files, links.

use std::os::unix::fs::symlink;

use super::report_files::ReportFiles;
use super::*;

/// Every path below a folder, with the content of files.
fn everything(folder: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_folder = fs::symlink_metadata(&path).expect("there").is_dir();
        all.push((path.clone(), (!is_folder).then(|| fs::read_to_string(&path).unwrap_or_default())));
        if is_folder {
            all.extend(everything(&path));
        }
    }
    all.sort();
    all
}

fn report(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).expect("kept")
}

#[test]
fn an_earlier_run_is_moved_aside_whatever_is_left_of_it() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("run");
    for number in 0..3 {
        let run = RunFolder::claim(&folder).expect("free");
        assert_eq!(contents(run.path()).expect("read"), Contents::Run { empty: true }, "run {number}");
        // No recording: it may have been deleted, as the largest file there.
        fs::write(folder.join("report.html"), number.to_string()).expect("written");
    }
    let kept = ["run.1", "run.2", "run"].map(|name| report(&parent.path().join(name)));
    assert_eq!(kept, ["0", "1", "2"]);
}

#[test]
fn what_is_no_run_is_refused_and_not_touched() {
    // A project's folder that happens to hold files of a run's names, and one of an earlier version of Adit.
    for held in [&["src/main.rs", "run.mcap", "up.log"][..], &["run.mcap", "report.html", "run.log"], &["x"]]
    {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("project");
        for name in held {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            fs::write(path, *name).expect("written");
        }
        let before = everything(parent.path());
        let error = RunFolder::claim(&folder).expect_err("refused");
        assert!(matches!(error, RunFolderError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("help: choose another --out"), "{error}");
        assert_eq!(everything(parent.path()), before, "{held:?}");
        // Beside it there is room, and in it as well.
        RunFolder::claim(&folder.join("runs/one")).expect("a new folder");
    }
}

#[test]
fn a_live_run_keeps_its_folder_and_a_dead_one_does_not() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("run");
    let live = RunFolder::claim(&folder).expect("free");
    let before = everything(parent.path());
    let error = RunFolder::claim(&folder).expect_err("taken");
    assert!(matches!(error, RunFolderError::Busy(_)), "{error}");
    assert_eq!(everything(parent.path()), before);
    // A process of the run that outlives the one which began it still writes there.
    let lent = live.lock().expect("a copy");
    drop(live);
    RunFolder::claim(&folder).expect_err("still taken");
    drop(lent);
    RunFolder::claim(&folder).expect("free again");
}

#[test]
fn of_many_that_begin_at_once_one_has_the_folder() {
    let parent = tempfile::tempdir().expect("a folder");
    for earlier in [false, true].into_iter().cycle().take(40) {
        let folder = parent.path().join("run");
        let _ = fs::remove_dir_all(&folder);
        if earlier {
            drop(RunFolder::claim(&folder).expect("free"));
            fs::write(folder.join("report.html"), "earlier").expect("written");
        }
        let claims: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| RunFolder::claim(&folder))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let claimed = claims.iter().filter(|claim| claim.is_ok()).count();
        assert!(claimed <= 1, "{claims:?}");
        // Each may have seen the other: then a later one has it.
        assert!(
            claimed == 1 || claims.iter().all(|c| matches!(c, Err(RunFolderError::Busy(_)))),
            "{claims:?}"
        );
        assert!(!folder.join("report.html").exists() || claimed == 0);
    }
}

#[test]
fn recorders_add_to_a_run_and_to_nothing_else() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("run");
    let first = RunFolder::join(&folder).expect("a new one").expect("free");
    assert!(RunFolder::join(&folder).expect("a run").is_none(), "the first one holds it");
    RunFolder::claim(&folder).expect_err("a recording goes on");
    drop(first);
    fs::write(folder.join("run.mcap"), "earlier").expect("written");
    assert!(RunFolder::join(&folder).expect("a run").is_some());
    assert!(folder.join("run.mcap").exists(), "the earlier one is kept");
    let error = RunFolder::join(parent.path()).expect_err("not a run");
    assert!(matches!(error, RunFolderError::Foreign { .. }), "{error}");
}

#[test]
fn a_report_of_another_process_is_kept() {
    let parent = tempfile::tempdir().expect("a folder");
    let summary = |mission: &str| {
        let (mission_file, robot) =
            (crate::mission_file::MissionFile::load("short"), stack::config::Robot::load("go2"));
        let (file, robot) = (mission_file.expect("built in"), robot.expect("built in"));
        let inspector = stack::Inspector::new(&file.mission, &robot.description).expect("the bundled model");
        let pipeline = stack::PerceptionPipeline::new(&file.mission, &robot.description, stack::Source::Live);
        let outcome = pipeline.outcome(inspector.findings(), 0);
        let mut summary = crate::summary::summarise(&file.mission, &robot, &outcome, None).expect("made");
        summary.mission = mission.to_owned();
        summary
    };
    let folder = parent.path().join("run");
    for (process, mission) in ["first", "second"].into_iter().enumerate() {
        let mut files = ReportFiles::new(&folder);
        files.write(&summary("so far")).expect("written");
        files.write(&summary(mission)).expect("written");
        assert!(report(&folder).contains(mission), "process {process}");
    }
    let mut names: Vec<_> = everything(&folder).into_iter().map(|(path, _)| path).collect();
    names.iter_mut().for_each(|path| *path = path.strip_prefix(&folder).expect("inside").to_owned());
    let expected = [
        "defects.1.csv",
        "defects.1.geojson",
        "defects.csv",
        "defects.geojson",
        "report.1.html",
        "report.html",
    ];
    assert_eq!(names, expected.map(PathBuf::from));
    assert!(fs::read_to_string(folder.join("report.1.html")).expect("kept").contains("first"));
}

#[test]
fn links_are_followed_to_the_bigger_disk() {
    let parent = tempfile::tempdir().expect("a folder");
    let [big, link] = ["big", "link"].map(|name| parent.path().join(name));
    symlink(big.join("run"), &link).expect("linked");
    let error = RunFolder::claim(&link).expect_err("the disk is not there");
    assert!(matches!(error, RunFolderError::DanglingLink { .. }), "{error}");
    let below = RunFolder::claim(&link.join("short")).expect_err("likewise");
    assert!(matches!(below, RunFolderError::DanglingLink { .. }), "{below}");
    assert!(!big.exists(), "nothing was made where a disk may be mounted");

    fs::create_dir_all(big.join("run")).expect("made");
    for number in 0..2 {
        let run = RunFolder::claim(&link).expect("free");
        assert_eq!(run.path(), fs::canonicalize(&big).expect("there").join("run"));
        fs::write(link.join("report.html"), number.to_string()).expect("written");
    }
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink(), "the link stays");
    assert_eq!([report(&big.join("run.1")), report(&big.join("run"))], ["0", "1"]);
}

#[test]
fn a_place_that_cannot_be_a_folder_is_named() {
    let parent = tempfile::tempdir().expect("a folder");
    let file = parent.path().join("file");
    fs::write(&file, "in the way").expect("written");
    for folder in [file.clone(), file.join("run")] {
        let error = RunFolder::claim(&folder).expect_err("refused").to_string();
        assert!(error.contains(&*file.to_string_lossy()) && error.contains("help:"), "{error}");
    }
}

#[test]
fn kept_room_takes_space_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    // Some file systems promise nothing.
    let Some(reserve) = Reserve::take(folder.path()) else { return };
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let disk = rustix::fs::statvfs(folder.path()).expect("a disk");
    let is_large = disk.f_bavail * disk.f_frsize > 1 << 30;
    assert!(!is_large || !reserve.is_short(), "{reserve:?}");
}
